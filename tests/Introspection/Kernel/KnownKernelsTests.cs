using System.Globalization;
using System.Text.RegularExpressions;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Kernel;

public sealed class KnownKernelsTests
{
    private readonly KnownKernels _known = new(capacity: 2);

    [Fact]
    public void Guests_with_one_build_share_its_symbols_and_types()
    {
        using var first = new GuestKernelBuilder();
        using var second = new GuestKernelBuilder { NoteAddress = new GuestPhysicalAddress(0x5000) };

        GuestKernel one = GuestKernel.Attach(first.Boot().Guest.Memory, known: _known);
        GuestKernel other = GuestKernel.Attach(second.Boot().Guest.Memory, known: _known);

        Assert.Same(one.Types, other.Types);
        Assert.Same(one.Layout, other.Layout);
        Assert.Equal(one.Symbols.Find("_text"), other.Symbols.Find("_text"));
    }

    [Fact]
    public void A_guest_that_claims_a_known_builds_id_and_has_other_types_is_read_for_itself_and_changes_nothing_for_others()
    {
        using var honest = new GuestKernelBuilder();
        using var liar = new GuestKernelBuilder();
        liar.Types.Struct("task_struct", 8, BtfField.At(0, "lies", liar.Ulong));
        using var late = new GuestKernelBuilder();

        GuestKernel lies = GuestKernel.Attach(liar.Boot().Guest.Memory, known: _known);
        GuestKernel truth = GuestKernel.Attach(honest.Boot().Guest.Memory, known: _known);
        GuestKernel later = GuestKernel.Attach(late.Boot().Guest.Memory, known: _known);

        Assert.True(lies.Types.TryFind("task_struct", out _));
        Assert.False(truth.Types.TryFind("task_struct", out _));
        Assert.Same(truth.Types, later.Types);
    }

    [Fact]
    public void A_guest_that_claims_a_known_builds_id_and_has_other_symbols_is_read_for_itself()
    {
        using var honest = new GuestKernelBuilder();
        using var liar = new GuestKernelBuilder();
        liar.Variable("init_task", 0UL);

        GuestKernel truth = GuestKernel.Attach(honest.Boot().Guest.Memory, known: _known);
        GuestKernel lies = GuestKernel.Attach(liar.Boot().Guest.Memory, known: _known);

        Assert.True(lies.Symbols.TryFind("init_task", out _));
        Assert.False(truth.Symbols.TryFind("init_task", out _));
    }

    [Fact]
    public void A_guest_whose_note_tells_of_other_places_keeps_nobody_else_with_its_build_from_being_read()
    {
        using var liar = new GuestKernelBuilder();
        using var honest = new GuestKernelBuilder();
        var elsewhere = new GuestVirtualAddress(0xffff_ffff_801f_fff0); // the end of the image, where the other guest has zeroes
        liar.Boot().Put(elsewhere, KallsymsBuilder.RelativeBase);
        liar.PutNote(liar.NoteAddress, Regex.Replace(liar.Note, @"(?<=\(kallsyms_relative_base\)=)\w+", elsewhere.Value.ToString("x", CultureInfo.InvariantCulture)));

        GuestKernel lies = GuestKernel.Attach(liar.Guest.Memory, known: _known);
        GuestKernel truth = GuestKernel.Attach(honest.Boot().Guest.Memory, known: _known);

        Assert.Equal(lies.Symbols.Find("_end"), truth.Symbols.Find("_end"));
        Assert.NotSame(lies.Types, truth.Types);
    }

    [Fact]
    public void A_build_that_is_larger_than_the_limit_is_not_kept()
    {
        var known = new KnownKernels(capacity: 2, mostBytes: 100);
        using var first = new GuestKernelBuilder();
        using var second = new GuestKernelBuilder();

        Assert.NotSame(GuestKernel.Attach(first.Boot().Guest.Memory, known: known).Types, GuestKernel.Attach(second.Boot().Guest.Memory, known: known).Types);
    }

    [Fact]
    public void Of_more_builds_than_are_kept_the_one_that_was_used_longest_ago_is_forgotten()
    {
        GuestKernel[] read = [Attach(0), Attach(1)];
        Assert.Same(read[0].Types, Attach(0).Types);
        Attach(2);

        Assert.Same(read[0].Types, Attach(0).Types);
        Assert.NotSame(read[1].Types, Attach(1).Types);

        GuestKernel Attach(int build)
        {
            using var guest = new GuestKernelBuilder();
            guest.Types.Struct($"of_build_{build}", 8);
            return GuestKernel.Attach(guest.Boot().Guest.Memory, known: _known);
        }
    }
}
