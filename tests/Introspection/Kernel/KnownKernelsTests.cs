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
}
