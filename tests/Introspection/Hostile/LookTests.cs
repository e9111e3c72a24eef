using Watari.Introspection.Tests.Build;
using Watari.Introspection.Tests.Types;
using Watari.Introspection.Tests.Walks;

namespace Watari.Introspection.Tests.Hostile;

/// <summary>What all walks of one look may cost together, and what becomes of a look that tears.</summary>
public sealed class LookTests : IDisposable
{
    private readonly SmallGuest _guest = new();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Walks_that_are_each_within_their_bound_are_not_without_end_together()
    {
        GuestKernel kernel = _guest.Builder.Attach(IntrospectionLimits.Default with { LookSteps = 1000 });
        GuestKernel look = kernel.BeginLook();

        Assert.Equal("look", Assert.Throws<KernelWalkException>(() => WalkOften(look)).Path);
        // Spent is spent, but only for this look.
        Assert.Throws<KernelWalkException>(() => Walk(look));
        Assert.Equal(3, Walk(kernel.BeginLook()));
        WalkOften(kernel);
    }

    [Fact]
    public void Page_tables_that_lead_back_into_themselves_cost_steps_of_the_look()
    {
        // Each entry of the root is the root: all of the address space seems full of tables.
        GuestPhysicalAddress root = _guest.Builder.Tables.Root;
        for (ulong entry = 0; entry < 512; entry++) _guest.Builder.Guest.Put(root + entry * 8, root.Value | PageTableBuilder.Present | PageTableBuilder.User);
        GuestKernel look = _guest.Builder.Attach(IntrospectionLimits.Default with { LookSteps = 100_000 }).BeginLook();
        AddressSpace space = look.AddressSpaceAt(look.AddressSpace.DirectMap + root.Value);

        Assert.Equal("look", Assert.Throws<KernelWalkException>(() => Pages(space)).Path);

        static long Pages(AddressSpace space)
        {
            long pages = 0;
            foreach (PageRun run in space.PageRuns(new GuestVirtualRange(default, space.Mode.UserEnd))) pages += run.Count.Value;
            return pages;
        }
    }

    [Fact]
    public void What_is_not_mapped_costs_few_steps_however_large_it_is()
    {
        GuestKernel look = _guest.Builder.Attach(IntrospectionLimits.Default with { LookSteps = 1000 }).BeginLook();
        AddressSpace space = look.AddressSpaceAt(look.AddressSpace.DirectMap + _guest.Builder.Tables.Root.Value);

        foreach (PageRun run in space.PageRuns(new GuestVirtualRange(default, space.Mode.UserEnd)))
            Assert.Equal(PageCount.Covering(space.Mode.UserEnd.Value), run.Count);
    }

    [Fact]
    public void What_a_look_copies_is_bounded_in_all()
    {
        GuestKernel look = _guest.Builder.Attach(IntrospectionLimits.Default with { LookBytes = 10_000 }).BeginLook();
        var array = new KernelArray<ulong>(look, _guest.Links, 500);

        array.ToArray();
        array.ToArray();
        Assert.Equal("look", Assert.Throws<KernelWalkException>(() => array.ToArray()).Path);
    }

    [Fact]
    public void Text_that_a_look_copies_counts_too()
    {
        GuestKernel look = _guest.Builder.Attach(IntrospectionLimits.Default with { LookBytes = 100 }).BeginLook();
        GuestVirtualAddress words = _guest.Builder.Allocate(64);
        _guest.Builder.Put(words, "thirty-two bytes of text in all");

        Assert.Equal(31, new KernelText(look, words, 32).ToString().Length); // an array counts as a whole
        Assert.Equal(31, new KernelCharPointer(look, words).ToString().Length);
        Assert.Equal(31, new KernelCharPointer(look, words).ToString().Length);
        Assert.Equal("look", Assert.Throws<KernelWalkException>(() => new KernelCharPointer(look, words).ToString()).Path);
    }

    [Fact]
    public void Each_structure_of_an_array_costs_a_step_of_the_look()
    {
        GuestKernel look = _guest.Builder.Attach(IntrospectionLimits.Default with { LookSteps = 10 }).BeginLook();
        var array = new KernelStructArray<Link>(look, _guest.Links, 11);

        for (int i = 0; i < 10; i++) _ = array[i];
        Assert.Equal("look", Assert.Throws<KernelWalkException>(() => array[10]).Path);
    }

    [Fact]
    public void A_look_that_tore_is_taken_again_with_all_its_steps()
    {
        GuestKernel kernel = _guest.Builder.Attach(IntrospectionLimits.Default with { Looks = 3, LookSteps = 10 });
        var looks = new List<GuestKernel>();

        int links = LiveView.Look(kernel, look =>
        {
            looks.Add(look);
            int seen = Walk(look);
            return looks.Count < 3 ? throw new KernelWalkException("link.node", "torn") : seen;
        });

        Assert.Equal(3, links);
        Assert.Equal(3, looks.Distinct().Count());
    }

    [Fact]
    public void A_look_that_took_too_many_steps_is_not_taken_again()
    {
        GuestKernel kernel = _guest.Builder.Attach(IntrospectionLimits.Default with { LookSteps = 1000 });
        int looks = 0;

        KernelWalkException error = Assert.Throws<KernelWalkException>(() => LiveView.Look(kernel, look =>
        {
            looks++;
            WalkOften(look);
            return 0;
        }));

        Assert.Equal(("look", 1), (error.Path, looks));
    }

    [Fact]
    public void A_view_that_tears_each_time_is_given_up_and_says_so()
    {
        GuestKernel kernel = _guest.Builder.Attach(IntrospectionLimits.Default with { Looks = 4 });
        int looks = 0;

        TornViewException error = Assert.Throws<TornViewException>(() => LiveView.Look<int>(kernel, _ => throw new KernelWalkException("link.node", $"torn {++looks}")));

        Assert.Equal(4, looks);
        Assert.Equal(4, error.Looks);
        Assert.Contains("after 4 looks", error.Message, StringComparison.Ordinal);
        Assert.Contains("link.node: torn 4", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_kernel_lacks_is_not_looked_for_again()
    {
        int looks = 0;

        Assert.Throws<KernelTypeException>(() => LiveView.Look(_guest.Builder.Attach(), look =>
        {
            looks++;
            return look.At<Widget>(_guest.Links).Pid;
        }));

        Assert.Equal(1, looks);
    }

    private int Walk(GuestKernel kernel)
    {
        int count = 0;
        foreach (Link _ in kernel.At<Links>(_guest.Links).List.Entries<Link>(static link => link.Node)) count++;
        return count;
    }

    private void WalkOften(GuestKernel kernel)
    {
        for (int i = 0; i < 1000; i++) Walk(kernel);
    }
}
