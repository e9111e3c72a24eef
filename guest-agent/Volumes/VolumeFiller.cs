using System.Runtime.InteropServices;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Volumes;

/// <summary>Carries out changes of volumes.</summary>
/// <param name="directories">Where the volumes are that may be changed.</param>
/// <param name="passesOver">Changes of others are somebody else's to carry out, and no mistake.</param>
internal sealed unsafe class VolumeFiller(IReadOnlyDictionary<ContainerId, string> directories, bool passesOver = false)
{
    /// <param name="input">See <see cref="VolumeChangesWriter"/>.</param>
    /// <param name="deadline">For all of it.</param>
    /// <returns>How many changes there were.</returns>
    /// <exception cref="AgentException">corrupt-data: what is to be changed is in no such volume, or cannot be in one; not-enough-disk; the deadline.</exception>
    public long Fill(Stream input, Deadline deadline)
    {
        VolumeChangesReader reader = new(input);
        VolumeTree? tree = null;
        KernelFile? file = null;
        bool isOthers = false;
        long changes = 0;
        try
        {
            while (Next(reader) is { } change)
            {
                deadline.Check("the container's volumes were filled");
                changes++;
                if (change is not (VolumeChange.Data or VolumeChange.Zeroes))
                {
                    file?.Dispose();
                    file = null;
                }
                if (change is VolumeChange.Volume volume)
                {
                    tree?.Dispose();
                    tree = null;
                    isOthers = passesOver && !directories.ContainsKey(volume.Name);
                    if (isOthers)
                        continue;
                    tree = VolumeTree.Open(directories.TryGetValue(volume.Name, out string? directory) ? directory : throw Corrupt($"volume {volume.Name} is none of the container's"));
                    if (volume.IsEmptied)
                        tree.Empty();
                    continue;
                }
                if (isOthers)
                    continue;
                Change(tree ?? throw Corrupt("the first change is of no volume"), change, ref file);
            }
            return changes;
        }
        finally
        {
            file?.Dispose();
            tree?.Dispose();
        }
    }

    private static VolumeChange? Next(VolumeChangesReader reader)
    {
        try
        {
            return reader.Read();
        }
        catch (FormatException unreadable)
        {
            throw Corrupt(unreadable.Message.TrimEnd('.'));
        }
    }

    /// <param name="tree">The volume.</param>
    /// <param name="change">Of it.</param>
    /// <param name="file">The file that is being written.</param>
    private static void Change(VolumeTree tree, VolumeChange change, ref KernelFile? file)
    {
        switch (change)
        {
            case VolumeChange.Directory directory:
                tree.MakeDirectory(directory.Path);
                break;
            case VolumeChange.File begun:
                file = tree.OpenFile(begun.Path, begun.IsNew);
                Check(Libc.ftruncate(file.Fd, begun.Size), "ftruncate");
                break;
            case VolumeChange.Data data:
                Write(Of(file), data.Offset, data.Bytes.Span);
                break;
            case VolumeChange.Zeroes zeroes:
                Clear(Of(file), zeroes.Offset, zeroes.Length);
                break;
            case VolumeChange.SymbolicLink link:
                tree.MakeSymbolicLink(link.Path, link.Target);
                break;
            case VolumeChange.Special special:
                tree.MakeSpecial(special.Path, special.Type, special.Major, special.Minor);
                break;
            case VolumeChange.HardLink name:
                tree.MakeHardLink(name.Path, name.To);
                break;
            case VolumeChange.Attributes attributes:
                tree.SetAttributes(attributes.Path, attributes.Values);
                break;
            case VolumeChange.Remove gone:
                tree.Remove(gone.Path);
                break;
        }

        static KernelFile Of(KernelFile? file) => file ?? throw Corrupt("data come that are of no file");
    }

    private static void Write(KernelFile file, long offset, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* from = bytes)
        {
            for (int done = 0; done < bytes.Length;)
            {
                nint put = Libc.pwrite(file.Fd, from + done, (nuint)(bytes.Length - done), offset + done);
                Check(put < 0 ? -1 : 0, "writing to a volume");
                done += (int)put;
            }
        }
    }

    private static void Clear(KernelFile file, long offset, long length)
    {
        if (length == 0 || Libc.fallocate(file.Fd, Libc.FALLOC_FL_PUNCH_HOLE | Libc.FALLOC_FL_KEEP_SIZE, offset, length) == 0)
            return;
        if (Marshal.GetLastPInvokeError() != Libc.EOPNOTSUPP)
            Check(-1, "fallocate");
        byte[] zeroes = new byte[(int)Math.Min(length, 64 << 10)];
        for (long done = 0; done < length; done += zeroes.Length)
            Write(file, offset + done, zeroes.AsSpan(0, (int)Math.Min(zeroes.Length, length - done)));
    }

    private static void Check(int result, string what)
    {
        if (result < 0 && Marshal.GetLastPInvokeError() is Libc.ENOSPC or Libc.EDQUOT)
            throw new AgentException(new AgentError(AgentErrorCode.NotEnoughDisk, "The guest's disk has no room for the container's volumes: make room, or choose another destination."));
        KernelException.Check(result, what);
    }

    private static AgentException Corrupt(string why) =>
        new(new AgentError(AgentErrorCode.CorruptData, $"The changes of the container's volumes are not what they should be: {why}."));
}
