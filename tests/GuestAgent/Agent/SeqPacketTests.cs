using Watari.GuestAgent.Native;

namespace Watari.GuestAgent.Tests.Agent;

public sealed class SeqPacketTests
{
    [Fact]
    public void Messages_keep_their_bounds_and_their_descriptors()
    {
        (SeqPacket a, SeqPacket b) = SeqPacket.Pair();
        using (a)
        using (b)
        {
            string path = Path.GetTempFileName();
            File.WriteAllText(path, "what is behind the descriptor");
            using KernelFile file = KernelFile.Open(path, Libc.O_RDONLY);
            a.Send([1, 2, 3], [file]);
            a.Send([4], []);

            Assert.Equal([1, 2, 3], b.Peek());
            using (Packet first = b.Receive()!)
            {
                Assert.Equal([1, 2, 3], first.Bytes);
                Assert.Equal("what is behind the descriptor", Assert.Single(first.Descriptors).ReadText());
            }
            using (Packet second = b.Receive()!)
                Assert.Empty(second.Descriptors);
            File.Delete(path);
        }
    }

    [Fact]
    public void The_end_of_the_other_side_is_no_message()
    {
        (SeqPacket a, SeqPacket b) = SeqPacket.Pair();
        using (b)
        {
            a.Send([9], []);
            a.EndSending();
            b.Receive()!.Dispose();
            Assert.Null(b.Receive());
            a.Dispose();
        }
    }

    [Fact]
    public void The_maker_of_the_pair_is_its_peer()
    {
        (SeqPacket a, SeqPacket b) = SeqPacket.Pair();
        using (a)
        using (b)
            Assert.Equal(Environment.ProcessId, b.PeerPid());
    }
}
