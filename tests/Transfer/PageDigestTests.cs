namespace Watari.Transfer.Tests;

public sealed class PageDigestTests
{
    private static readonly AddressSpaceId Space = new(1);

    [Fact]
    public void The_order_in_which_pages_are_added_does_not_matter()
    {
        using GuestPages memory = GuestPages.Random(8);
        PageDigest forwards = default;
        PageDigest backwards = default;
        for (int i = 0; i < 8; i++) forwards = forwards.With(Space, new VirtualPage((ulong)i), memory[i]);
        for (int i = 7; i >= 0; i--) backwards = backwards.With(Space, new VirtualPage((ulong)i), memory[i]);

        Assert.Equal(forwards, backwards);
        Assert.Equal(forwards, default(PageDigest).WithRun(Space, new VirtualPage(0), memory.All));
    }

    [Fact]
    public void Pages_that_changed_places_changed_contents_or_changed_address_spaces_are_seen()
    {
        using GuestPages memory = GuestPages.Random(2);
        PageDigest right = default(PageDigest).With(Space, new VirtualPage(0), memory[0]).With(Space, new VirtualPage(1), memory[1]);

        Assert.NotEqual(right, default(PageDigest).With(Space, new VirtualPage(1), memory[0]).With(Space, new VirtualPage(0), memory[1]));
        Assert.NotEqual(right, default(PageDigest).With(Space, new VirtualPage(0), memory[0]).With(new AddressSpaceId(2), new VirtualPage(1), memory[1]));
        Assert.NotEqual(right, default(PageDigest).With(Space, new VirtualPage(0), memory[0]));
        memory[1][4095] ^= 1;
        Assert.NotEqual(right, default(PageDigest).WithRun(Space, new VirtualPage(0), memory.All));
    }
}
