using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>
/// What only all files together show: whether both ends of a pipe or connection are inside, and whether what an epoll
/// watches still has its number.
/// </summary>
internal sealed class ConnectionCheck(FileTable table)
{
    private const uint Tcp = 6;         // IPPROTO_TCP
    private const uint Established = 1; // TCP_ESTABLISHED
    private const uint Datagram = 2;    // SOCK_DGRAM

    public void Run()
    {
        CheckPipes();
        CheckUnixPeers();
        CheckTcpPeers();
        CheckPolled();
    }

    /// <summary>A pipe knows how many files refer to it: those that are not here are outside.</summary>
    private void CheckPipes()
    {
        foreach (IGrouping<GuestVirtualAddress, CapturedFile> ends in table.Files.Where(file => file.IsPipe).GroupBy(file => file.File.FInode.Address))
        {
            if (PipeBuffers.Of(ends.First().File.FInode.Value).Files <= ends.Count()) continue;
            foreach (CapturedFile end in ends.Where(end => end.Model is not null))
            {
                // A runtime hands them in again; beside a plain tree of processes there is none.
                if (table.Scope.HasOwnMounts && end.Holders.Exists(holder => holder.IsStandardStream))
                    end.Mention("its other end is outside of the container: the runtime must hand in another at the restore; what stands unread in it is lost");
                else
                    end.Model = end.Refuse("its other end is outside of the container");
            }
        }
    }

    private void CheckUnixPeers()
    {
        Dictionary<uint, CapturedFile> sockets = [];
        foreach (CapturedFile file in table.Files.Where(file => file.SocketInode != 0)) sockets.TryAdd(file.SocketInode, file);

        foreach (CapturedFile file in table.Files)
        {
            if (file.Model is not UnixSocket socket) continue;
            if (socket.Peer == 0)
            {
                if (socket is { State: Established, Shutdown: not SocketShutdown.Both } && socket.Type != Datagram)
                    file.Model = file.Refuse("its connection waits to be accepted; try again");
            }
            else if (!sockets.TryGetValue(socket.Peer, out CapturedFile? peer))
            {
                file.Model = file.Refuse($"it is connected to a socket outside of the container (inode {socket.Peer})");
            }
            else if (peer.Model is UnixSocket other && other.Peer != socket.Inode && other.Name.IsEmpty)
            {
                file.Model = file.Refuse($"it sends to a socket (inode {socket.Peer}) that has no name and another peer");
            }
        }
    }

    private void CheckTcpPeers()
    {
        HashSet<(uint Namespace, UInt128 Source, uint SourcePort, UInt128 Destination, uint DestinationPort)> ends = [];
        foreach (CapturedFile file in table.Files)
        {
            if (file.Model is InetSocket { Stream: not null } socket)
                ends.Add((socket.NetNamespace, Number(socket.SourceAddress), socket.SourcePort, Number(socket.DestinationAddress), socket.DestinationPort));
        }

        foreach (CapturedFile file in table.Files)
        {
            if (file.Model is not InetSocket { Protocol: Tcp, Stream: not null } socket) continue;
            var mirrored = (socket.NetNamespace, Number(socket.DestinationAddress), socket.DestinationPort, Number(socket.SourceAddress), socket.SourcePort);
            if (!ends.Contains(mirrored))
                file.Model = file.Refuse($"it is connected to {AddressOf(socket)}, which no open socket of the container is; established connections to the outside are not carried");
        }
    }

    /// <summary>
    /// epoll remembers the number that a file had; it may have another by now, and CRIU goes by numbers. The number is looked
    /// for in the first table that has the epoll.
    /// </summary>
    private void CheckPolled()
    {
        Dictionary<CapturedFile, CapturedDescriptors> owners = [];
        foreach (CapturedDescriptors descriptors in table.Descriptors)
        {
            foreach ((_, CapturedFile file, _) in descriptors.Descriptors)
            {
                if (file.Model is EventPoll) owners.TryAdd(file, descriptors);
            }
        }

        Dictionary<DescriptorTableId, DescriptorNumbers> numbers = [];
        foreach (CapturedFile file in table.Files)
        {
            if (file.Model is not EventPoll poll || !owners.TryGetValue(file, out CapturedDescriptors? owner)) continue;
            if (!numbers.TryGetValue(owner.Id, out DescriptorNumbers? own)) numbers.Add(owner.Id, own = new DescriptorNumbers(owner));
            file.Model = WithNumbers(file, poll, own);
        }
    }

    private static Model.OpenFile? WithNumbers(CapturedFile file, EventPoll poll, DescriptorNumbers numbers)
    {
        var targets = ImmutableArray.CreateBuilder<EventPollTarget>(poll.Targets.Length);
        foreach ((EventPollTarget target, GuestVirtualAddress watched) in poll.Targets.Zip(file.Watched))
        {
            if (numbers.Of(watched, target.Descriptor) is not { } number) return file.Refuse($"it watches a file that was added as fd {target.Descriptor} and is not open there any more");
            targets.Add(target with { Descriptor = number });
        }

        return poll with { Targets = targets.ToImmutable() };
    }

    /// <summary>An address as a number; IPv4 ones as IPv6 maps them, since one end may be of either family.</summary>
    private static UInt128 Number(ReadOnlyMemory<byte> address)
    {
        const int ipv6Length = 16;
        Span<byte> bytes = stackalloc byte[ipv6Length];
        bytes.Clear();
        if (address.Length < ipv6Length) bytes[10] = bytes[11] = 0xff;
        address.Span.CopyTo(bytes[^address.Length..]);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private static string AddressOf(InetSocket socket) =>
        new System.Net.IPEndPoint(new System.Net.IPAddress(socket.DestinationAddress.Span), (int)socket.DestinationPort).ToString();

    /// <summary>The numbers of a table by the files that they stand for.</summary>
    private sealed class DescriptorNumbers
    {
        private readonly HashSet<(GuestVirtualAddress File, int Number)> _all = [];
        private readonly Dictionary<GuestVirtualAddress, int> _first = [];

        public DescriptorNumbers(CapturedDescriptors table)
        {
            foreach ((int number, CapturedFile file, _) in table.Descriptors)
            {
                _all.Add((file.File.Address, number));
                _first.TryAdd(file.File.Address, number);
            }
        }

        /// <summary>The wanted number if it stands for the file, else any that does; null where none does.</summary>
        public int? Of(GuestVirtualAddress file, int wanted) =>
            _all.Contains((file, wanted)) ? wanted : _first.TryGetValue(file, out int number) ? number : null;
    }
}
