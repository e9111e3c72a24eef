using Watari.Introspection.Fs;

namespace Watari.Introspection.Net;

/// <summary>The half of a socket that a file refers to (include/linux/net.h).</summary>
[KernelStruct("socket")]
public readonly partial record struct Socket
{
    /// <summary>SOCK_STREAM 1, SOCK_DGRAM 2, ….</summary>
    [Field] public partial short Type { get; }

    /// <summary>Bits by number: SOCK_PASSCRED 3, SOCK_PASSSEC 4.</summary>
    [Field] public partial ulong Flags { get; }

    [Field] public partial Ptr<Sock> Sk { get; }

    /// <summary>Its inode in sockfs: SOCK_INODE.</summary>
    public InodeStruct Inode
    {
        get
        {
            SocketAlloc first = SocketAlloc.At(Kernel, default);
            return SocketAlloc.At(Kernel, Address - first.Socket.Address.Value).VfsInode;
        }
    }
}

/// <summary>A socket and its inode (include/net/sock.h).</summary>
[KernelStruct("socket_alloc")]
public readonly partial record struct SocketAlloc
{
    [Embedded] public partial Socket Socket { get; }

    [Embedded] public partial InodeStruct VfsInode { get; }
}
