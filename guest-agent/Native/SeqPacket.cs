using System.Runtime.InteropServices;

namespace Watari.GuestAgent.Native;

/// <summary>
/// One end of a SOCK_SEQPACKET pair with descriptors in its messages (SCM_RIGHTS, unix(7)): CRIU's
/// RPC. .NET's sockets pass no descriptors.
/// </summary>
internal sealed unsafe class SeqPacket(int fd) : IDisposable
{
    private const int AF_UNIX = 1, SOCK_SEQPACKET = 5, SOCK_CLOEXEC = 0x80000;
    private const int SOL_SOCKET = 1, SCM_RIGHTS = 1, SO_PEERCRED = 17;
    private const int MSG_PEEK = 2, MSG_TRUNC = 0x20, MSG_NOSIGNAL = 0x4000, MSG_CMSG_CLOEXEC = 0x40000000;

    // criu-rpc messages are a few kB; what is longer is none.
    private const int LongestMessage = 1 << 20;
    private const int MostDescriptors = 16;
    private const int ControlHeader = 16; // struct cmsghdr: u64 len, int level, int type

    private readonly KernelFile file = new(fd);

    [StructLayout(LayoutKind.Sequential)]
    private struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public Libc.IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    public int Fd => file.Fd;

    public static (SeqPacket Ours, SeqPacket Theirs) Pair()
    {
        int* pair = stackalloc int[2];
        KernelException.Check(Libc.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair");
        return (new SeqPacket(pair[0]), new SeqPacket(pair[1]));
    }

    /// <summary>The process that made the pair: struct ucred of SO_PEERCRED.</summary>
    public int PeerPid()
    {
        int* credentials = stackalloc int[3];
        uint length = 12;
        KernelException.Check(Libc.getsockopt(Fd, SOL_SOCKET, SO_PEERCRED, credentials, &length), "SO_PEERCRED");
        return credentials[0];
    }

    /// <summary>The next message without taking it; null at the end.</summary>
    public byte[]? Peek()
    {
        Packet? packet = Receive(MSG_PEEK);
        packet?.Dispose();
        return packet?.Bytes;
    }

    /// <summary>The next message with its descriptors; null at the end.</summary>
    public Packet? Receive() => Receive(0);

    public void Send(ReadOnlySpan<byte> bytes, IReadOnlyList<KernelFile> descriptors)
    {
        byte* control = stackalloc byte[ControlHeader + (MostDescriptors * sizeof(int))];
        fixed (byte* at = bytes)
        {
            Libc.IoVector vector = new() { Base = (nint)at, Length = (nuint)bytes.Length };
            MessageHeader header = new() { Vectors = &vector, VectorCount = 1 };
            if (descriptors.Count > 0)
            {
                *(ulong*)control = (ulong)(ControlHeader + (descriptors.Count * sizeof(int)));
                ((int*)control)[2] = SOL_SOCKET;
                ((int*)control)[3] = SCM_RIGHTS;
                for (int i = 0; i < descriptors.Count; i++)
                    ((int*)(control + ControlHeader))[i] = descriptors[i].Fd;
                header.Control = control;
                header.ControlLength = (nuint)((ControlHeader + (descriptors.Count * sizeof(int)) + 7) & ~7);
            }
            KernelException.Check(Libc.sendmsg(Fd, &header, MSG_NOSIGNAL), "sendmsg");
        }
    }

    /// <summary>Programs that this process starts shall not have it.</summary>
    public void CloseOnExec()
    {
        const int F_SETFD = 2, FD_CLOEXEC = 1;
        KernelException.Check(Libc.fcntl(Fd, F_SETFD, FD_CLOEXEC), "fcntl");
    }

    /// <summary>No more will be sent; the other end reads the end.</summary>
    public void EndSending() => _ = Libc.shutdown(Fd, 1);

    public void Dispose() => file.Dispose();

    private Packet? Receive(int flags)
    {
        nint length = WaitingLength();
        if (length == 0)
            return null;
        if (length > LongestMessage)
            throw new InvalidDataException($"A message of {length} bytes is none of criu's.");
        byte[] bytes = new byte[length];
        byte* control = stackalloc byte[ControlHeader + (MostDescriptors * sizeof(int))];
        fixed (byte* at = bytes)
        {
            Libc.IoVector vector = new() { Base = (nint)at, Length = (nuint)bytes.Length };
            MessageHeader header = new() { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = (nuint)(ControlHeader + (MostDescriptors * sizeof(int))) };
            nint read = KernelException.Check(Libc.recvmsg(Fd, &header, flags | MSG_CMSG_CLOEXEC), "recvmsg");
            List<KernelFile> descriptors = [];
            if (header.ControlLength >= ControlHeader && ((int*)control)[2] == SOL_SOCKET && ((int*)control)[3] == SCM_RIGHTS)
            {
                int count = ((int)*(ulong*)control - ControlHeader) / sizeof(int);
                for (int i = 0; i < count; i++)
                    descriptors.Add(new KernelFile(((int*)(control + ControlHeader))[i]));
            }
            return new Packet(bytes[..(int)read], descriptors);
        }
    }

    // Blocks until there is a message; its length, 0 at the end.
    private nint WaitingLength()
    {
        byte nothing;
        Libc.IoVector vector = new() { Base = (nint)(&nothing), Length = 0 };
        while (true)
        {
            MessageHeader header = new() { Vectors = &vector, VectorCount = 1 };
            nint length = Libc.recvmsg(Fd, &header, MSG_PEEK | MSG_TRUNC);
            if (length >= 0 || Marshal.GetLastPInvokeError() != Libc.EINTR)
                return KernelException.Check(length, "recvmsg");
        }
    }
}

/// <summary>A message and the descriptors that came with it.</summary>
internal sealed record Packet(byte[] Bytes, IReadOnlyList<KernelFile> Descriptors) : IDisposable
{
    public void Dispose()
    {
        foreach (KernelFile descriptor in Descriptors)
            descriptor.Dispose();
    }
}
