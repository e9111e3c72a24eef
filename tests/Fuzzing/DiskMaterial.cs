using Watari.Containers;
using Watari.Containers.Archives;
using Watari.Containers.Root;
using Watari.Disk.Ext4;
using Watari.Disk.Images;
using Watari.Disk.Tests.Hostile;

namespace Watari.Fuzzing;

/// <summary>Little file systems of all kinds, each read whole in a run, and their directories as layers of a container.</summary>
internal sealed class DiskMaterial : IMaterial
{
    private readonly LittleVolume[] _volumes = [.. LittleVolume.Formats.Select(format => new LittleVolume(format))];
    private LittleVolume _spoilt;

    public DiskMaterial() => _spoilt = _volumes[0];

    public IReadOnlyList<string> Names => [.. _volumes.Select(volume => volume.Format)];

    public IReadOnlyList<string> Done => _spoilt.Image.Done;

    public int Choose(ref Dice dice) => dice.Below(_volumes.Length);

    public void Spoil(int look, ref Dice dice)
    {
        Dice own = dice;
        _spoilt = _volumes[look];
        _spoilt.Image.Spoil(end => own.Below(end));
    }

    public long See(int look) => _volumes[look].ReadEverything(LittleVolume.TightLimits) + ReadLayers(_volumes[look].Image);

    public void Restore() => _spoilt.Image.Restore();

    public void Dispose()
    {
    }

    /// <summary>Directories with the same names in them, over one another, into an archive.</summary>
    private static long ReadLayers(IDiskImage image)
    {
        const int Pieces = 64, PieceBytes = 64 << 10;
        long sum = 0;
        foreach (Volume volume in Volumes.Of(image, LittleVolume.TightLimits))
        {
            var layers = ContainerLayers.Open(new OverlayDirectories(["/a", "/a/b"], Upper: "/", Work: "", Merged: ""), Ext4FileSystem.Open(volume, LittleVolume.TightLimits));
            var archive = new TreeArchive("/"u8.ToArray(), "."u8.ToArray());
            for (int piece = 0; piece < Pieces && archive.Write(layers.Merged.Root, Stream.Null, PieceBytes); piece++) sum += archive.TakeProblems().Count;
        }

        return sum;
    }
}
