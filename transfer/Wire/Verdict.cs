using System.Runtime.InteropServices;

namespace Watari.Transfer.Wire;

/// <summary>The destination's answer: accepted (<see cref="TransferFailure.None"/>) or refused and why.</summary>
/// <param name="Magic">Tells an answer from a stray peer's bytes.</param>
/// <param name="Version">The destination's version of the protocol.</param>
/// <param name="Failure">The reason.</param>
/// <param name="Epoch">The newest epoch that the destination knows of this job; 0 when it does not know the job.</param>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct Verdict(uint Magic, ushort Version, TransferFailure Failure, long Epoch)
{
    /// <summary>"WTRv" in memory order.</summary>
    public const uint ExpectedMagic = 0x7652_5457;

    public static Verdict Of(TransferFailure failure, Epoch epoch) => new(ExpectedMagic, Hello.CurrentVersion, failure, epoch.Value);
}
