using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>Pipes and FIFOs with what stands unread in them.</summary>
internal sealed class PipeBuffers
{
    private const uint Direct = 0x4000; // O_DIRECT

    private readonly Dictionary<GuestVirtualAddress, PipeId> _pipeIds = [];
    private readonly Dictionary<GuestVirtualAddress, PipeId> _fifoIds = [];
    private readonly ImmutableArray<Pipe>.Builder _pipes = ImmutableArray.CreateBuilder<Pipe>();
    private readonly ImmutableArray<Pipe>.Builder _fifos = ImmutableArray.CreateBuilder<Pipe>();

    public ImmutableArray<Pipe> Pipes => _pipes.ToImmutable();

    public ImmutableArray<Pipe> Fifos => _fifos.ToImmutable();

    /// <summary>The buffer of a pipe's or FIFO's inode.</summary>
    public static PipeInodeInfo Of(InodeStruct inode) => PipeInodeInfo.At(inode.Kernel, inode.IPipe);

    public Model.OpenFile? CapturePipe(CapturedFile file)
    {
        file.IsPipe = true;
        // Packets would come back as one stream (CRIU does not keep them apart).
        if ((file.Flags & Direct) != 0) return file.Refuse("a pipe of packets (O_DIRECT) is not carried");
        InodeStruct inode = file.File.FInode.Value;
        return new PipeEnd
        {
            Id = file.Id,
            Flags = file.Flags,
            Owner = file.Owner,
            // What runtimes name it by: "pipe:[inode]".
            Pipe = Capture(file, inode, _pipeIds, _pipes, new PipeId((uint)inode.IIno)),
        };
    }

    public Model.OpenFile? CaptureFifo(CapturedFile file, CapturedFile path)
    {
        if (path.Model is null) return null;
        return new Fifo
        {
            Id = file.Id,
            Flags = file.Flags,
            Pipe = Capture(file, file.File.FInode.Value, _fifoIds, _fifos, new PipeId((uint)_fifoIds.Count + 1)),
            Path = path.Id,
        };
    }

    private static PipeId Capture(CapturedFile file, InodeStruct inode, Dictionary<GuestVirtualAddress, PipeId> known, ImmutableArray<Pipe>.Builder pipes, PipeId id)
    {
        if (known.TryGetValue(inode.Address, out PipeId earlier)) return earlier;
        known.Add(inode.Address, id);
        PipeInodeInfo pipe = Of(inode);
        file.Budget.TakeObjects(pipe.RingSize);
        ReadOnlyMemory<byte> unread = pipe.Unread();
        file.Budget.TakeBytes(unread.Length);
        pipes.Add(new Pipe(id, (uint)Math.Min(pipe.Capacity, uint.MaxValue), unread));
        return id;
    }
}
