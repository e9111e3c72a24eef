using Watari.Disk.Tests.Hostile;

namespace Watari.Fuzzing;

/// <summary>Little file systems of all kinds, each read whole in a run.</summary>
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

    public long See(int look) => _volumes[look].ReadEverything(LittleVolume.TightLimits);

    public void Restore() => _spoilt.Image.Restore();

    public void Dispose()
    {
    }
}
