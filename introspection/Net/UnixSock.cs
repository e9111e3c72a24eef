using Watari.Introspection.Fs;

namespace Watari.Introspection.Net;

/// <summary>A unix socket (include/net/af_unix.h).</summary>
[KernelStruct("unix_sock")]
public readonly partial record struct UnixSock
{
    [Embedded] public partial Sock Sk { get; }

    /// <summary>The name that it is bound to; null for none.</summary>
    [Field] public partial Ptr<UnixAddress> Addr { get; }

    /// <summary>The file of a name that is a path.</summary>
    [Embedded] public partial PathStruct Path { get; }

    /// <summary>The other end, or whom its datagrams go to.</summary>
    [Field] public partial Ptr<Sock> Peer { get; }

    /// <summary>A byte sent with MSG_OOB; since v5.15 with CONFIG_AF_UNIX_OOB.</summary>
    [Field(Optional = true)] public partial GuestVirtualAddress? OobSkb { get; }

    /// <summary>The unix socket that a sock is.</summary>
    public static UnixSock Of(Sock sock) => At(sock.Kernel, sock.Address - At(sock.Kernel, default).Sk.Address.Value);
}

/// <summary>A name of a unix socket (include/net/af_unix.h).</summary>
[KernelStruct("unix_address")]
public readonly partial record struct UnixAddress
{
    private const int FamilyLength = 2;
    private const int MaxLength = 110; // sizeof(struct sockaddr_un)

    /// <summary>Bytes of the sockaddr_un, its family with it.</summary>
    [Field] public partial int Len { get; }

    [Field("name")] private partial KernelStructArray<SockaddrUn> Names { get; }

    /// <summary>sun_path: a path with its final zero, or an abstract name with its leading one.</summary>
    public ReadOnlyMemory<byte> Name
    {
        get
        {
            int length = Len;
            if (length is < FamilyLength or > MaxLength) throw Kernel.Astray(Address, "unix_address.len", $"is {length}");
            byte[] name = new byte[length - FamilyLength];
            Kernel.Copy(Names.Address, Names.Address + FamilyLength, name, "sockaddr_un");
            return name;
        }
    }
}

[KernelStruct("sockaddr_un")]
public readonly partial record struct SockaddrUn;

/// <summary>What a packet in a unix socket's queue carries beside its bytes; in sk_buff.cb (include/net/af_unix.h).</summary>
[KernelStruct("unix_skb_parms")]
public readonly partial record struct UnixSkbParms
{
    /// <summary>struct scm_fp_list *: files that travel with it (SCM_RIGHTS).</summary>
    [Field] public partial GuestVirtualAddress Fp { get; }

    /// <summary>Of a stream: bytes at its beginning that were read already.</summary>
    [Field] public partial uint Consumed { get; }

    public static UnixSkbParms Of(SkBuff packet) => At(packet.Kernel, packet.Cb.Address);
}
