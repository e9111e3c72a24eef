namespace Watari.Transfer.Tests;

public sealed class ZeroPageTests
{
    [Fact]
    public void A_page_is_zero_only_without_a_single_bit_set_anywhere()
    {
        byte[] page = new byte[PageCount.Size];
        Assert.True(ZeroPage.IsZero(page));
        for (int i = 0; i < page.Length; i++)
        {
            page[i] = (byte)(1 << (i % 8));
            Assert.False(ZeroPage.IsZero(page), $"byte {i}");
            page[i] = 0;
        }
    }
}
