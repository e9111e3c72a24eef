using Watari.Containers.Logs.Journal;

namespace Watari.Containers.Tests.Logs.Journal;

public sealed class JournalHashTests
{
    [Fact]
    public void Jenkins_hash_is_as_in_lookup3()
    {
        Assert.Equal(0xdeadbeefdeadbeef, JournalHash.Jenkins([]));
        Assert.Equal(0x17770551ce7226e6ul, JournalHash.Jenkins("Four score and seven years ago"u8));
    }

    [Fact]
    public void SipHash_is_as_its_authors_have_it()
    {
        byte[] numbers = [.. Enumerable.Range(0, 16).Select(number => (byte)number)];

        Assert.Equal(0x726fdb47dd0e0e31ul, JournalHash.Sip([], numbers));
        Assert.Equal(0xa129ca6149be45e5ul, JournalHash.Sip(numbers.AsSpan(0, 15), numbers));
    }
}
