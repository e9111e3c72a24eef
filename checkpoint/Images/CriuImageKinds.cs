using System.Collections.Immutable;
using Watari.Checkpoint.Images.Proto;
using static Watari.Checkpoint.Images.CriuImageFraming;
using static Watari.Checkpoint.Images.CriuImageNumber;

namespace Watari.Checkpoint.Images;

/// <summary>Every kind of image that we write or read (criu/image-desc.c, criu/include/magic.h).</summary>
public static class CriuImageKinds
{
    public static readonly CriuImageKind Inventory = new() { Stem = "inventory", Magic = 0x58313116, Framing = Bare, Parser = InventoryEntry.Parser };
    public static readonly CriuImageKind Pstree = new() { Stem = "pstree", Magic = 0x50273030, Parser = PstreeEntry.Parser };
    public static readonly CriuImageKind Core = new() { Stem = "core", Number = CriuImageNumber.Decimal, Magic = 0x55053847, Parser = CoreEntry.Parser };
    public static readonly CriuImageKind Ids = new() { Stem = "ids", Number = CriuImageNumber.Decimal, Magic = 0x54432030, Parser = TaskKobjIdsEntry.Parser };
    public static readonly CriuImageKind Mm = new() { Stem = "mm", Number = CriuImageNumber.Decimal, Magic = 0x57492820, Parser = MmEntry.Parser };
    public static readonly CriuImageKind Pagemap = new() { Stem = "pagemap", Number = CriuImageNumber.Decimal, Magic = 0x56084025, Head = PagemapHead.Parser, Parser = PagemapEntry.Parser };
    public static readonly CriuImageKind ShmemPagemap = new() { Stem = "pagemap-shmem", Number = CriuImageNumber.Decimal, Magic = 0x56084025, Head = PagemapHead.Parser, Parser = PagemapEntry.Parser };
    public static readonly CriuImageKind Pages = new() { Stem = "pages", Number = CriuImageNumber.Decimal, Framing = Raw };
    public static readonly CriuImageKind Fs = new() { Stem = "fs", Number = CriuImageNumber.Decimal, Magic = 0x51403912, Parser = FsEntry.Parser };
    public static readonly CriuImageKind Fdinfo = new() { Stem = "fdinfo", Number = CriuImageNumber.Decimal, Magic = 0x56213732, Parser = FdinfoEntry.Parser };
    public static readonly CriuImageKind Files = new() { Stem = "files", Magic = 0x56303138, Parser = FileEntry.Parser };
    public static readonly CriuImageKind PipesData = new() { Stem = "pipes-data", Magic = 0x56453709, Parser = PipeDataEntry.Parser, PayloadLength = m => ((PipeDataEntry)m).Bytes };
    public static readonly CriuImageKind FifoData = new() { Stem = "fifo-data", Magic = 0x59333054, Parser = PipeDataEntry.Parser, PayloadLength = m => ((PipeDataEntry)m).Bytes };
    public static readonly CriuImageKind SkQueues = new() { Stem = "sk-queues", Magic = 0x56264026, Parser = SkPacketEntry.Parser, PayloadLength = m => ((SkPacketEntry)m).Length };
    public static readonly CriuImageKind TcpStream = new() { Stem = "tcp-stream", Number = Hexadecimal, Magic = 0x51465506, Parser = TcpStreamEntry.Parser, PayloadLength = m => (long)((TcpStreamEntry)m).InqLen + ((TcpStreamEntry)m).OutqLen };
    public static readonly CriuImageKind RemapFpath = new() { Stem = "remap-fpath", Magic = 0x59133954, Parser = RemapFilePathEntry.Parser };
    public static readonly CriuImageKind GhostFile = new() { Stem = "ghost-file", Number = Hexadecimal, Magic = 0x52583605, Parser = GhostFileEntry.Parser, PayloadLength = _ => CriuImageKind.RestOfImage };
    public static readonly CriuImageKind MemfdInode = new() { Stem = "memfd", Magic = 0x48453499, Parser = MemfdInodeEntry.Parser };
    public static readonly CriuImageKind Mountpoints = new() { Stem = "mountpoints", Number = CriuImageNumber.Decimal, Magic = 0x55563928, Parser = MntEntry.Parser };
    public static readonly CriuImageKind TmpfsDev = new() { Stem = "tmpfs-dev", Number = CriuImageNumber.Decimal, Framing = Raw, Extension = ".tar.gz.img" };
    public static readonly CriuImageKind Utsns = new() { Stem = "utsns", Number = CriuImageNumber.Decimal, Magic = 0x54473203, Parser = UtsnsEntry.Parser };
    public static readonly CriuImageKind IpcVar = new() { Stem = "ipcns-var", Number = CriuImageNumber.Decimal, Magic = 0x53115007, Parser = IpcVarEntry.Parser };
    public static readonly CriuImageKind Timens = new() { Stem = "timens", Number = CriuImageNumber.Decimal, Magic = 0x43114433, Parser = TimensEntry.Parser };
    public static readonly CriuImageKind Netns = new() { Stem = "netns", Number = CriuImageNumber.Decimal, Magic = 0x55933752, Parser = NetnsEntry.Parser };
    public static readonly CriuImageKind Cgroup = new() { Stem = "cgroup", Magic = 0x59383330, Parser = CgroupEntry.Parser };
    public static readonly CriuImageKind Seccomp = new() { Stem = "seccomp", Magic = 0x64413049, Parser = SeccompEntry.Parser };
    public static readonly CriuImageKind DumpStats = new() { Stem = "stats-dump", Magic = 0x57093306, Framing = Service, Parser = StatsEntry.Parser, Extension = "" };

    public static ImmutableArray<CriuImageKind> All { get; } =
    [
        Inventory, Pstree, Core, Ids, Mm, Pagemap, ShmemPagemap, Pages, Fs, Fdinfo, Files,
        PipesData, FifoData, SkQueues, TcpStream, RemapFpath, GhostFile, MemfdInode,
        Mountpoints, TmpfsDev, Utsns, IpcVar, Timens, Netns, Cgroup, Seccomp, DumpStats,
    ];

    /// <summary>The kind of the image of this name; null where we know none.</summary>
    public static CriuImageKind? OfFile(string fileName)
    {
        foreach (CriuImageKind kind in All)
        {
            if (kind.TryMatch(fileName, out _))
                return kind;
        }
        return null;
    }
}
