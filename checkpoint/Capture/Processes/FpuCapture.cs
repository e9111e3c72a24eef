using System.Buffers.Binary;
using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Capture.Processes;

/// <summary>Floating-point and vector registers of a thread, with the initial state where the area holds stale bytes (Intel SDM 1, 13.6).</summary>
internal static class FpuCapture
{
    private const ulong X87 = 1;
    private const ulong Sse = 2;
    private const ulong Ymm = 4;
    private const ushort InitialControlWord = 0x37f;
    private const uint InitialMxcsr = 0x1f80;
    private const uint DefaultMxcsrMask = 0xffff;
    private const int MxcsrOffset = 24;
    private const int MxcsrMaskOffset = 28;
    private const int X87Registers = 32;
    private const int SseRegisters = 160;
    private const int SseRegistersEnd = 416;
    private const int YmmSize = 256;

    private static readonly XFeature[] Features = Enum.GetValues<XFeature>();

    /// <summary>The components that images have a place for, as bits of XSTATE_BV.</summary>
    private static readonly ulong Carried = Features.Aggregate(X87 | Sse, (mask, feature) => mask | 1UL << (int)feature);

    public static X86FpuState Capture(TaskStruct thread)
    {
        XState state = XState.Read(thread);
        byte[] fxsave = state.Legacy.ToArray();
        if ((state.Features & X87) == 0)
        {
            fxsave.AsSpan(0, MxcsrOffset).Clear();
            BinaryPrimitives.WriteUInt16LittleEndian(fxsave, InitialControlWord);
            fxsave.AsSpan(X87Registers, SseRegisters - X87Registers).Clear();
        }
        // MXCSR belongs to SSE and AVX alike.
        if ((state.Features & (Sse | Ymm)) == 0)
            BinaryPrimitives.WriteUInt32LittleEndian(fxsave.AsSpan(MxcsrOffset), InitialMxcsr);
        if ((state.Features & Sse) == 0)
            fxsave.AsSpan(SseRegisters, SseRegistersEnd - SseRegisters).Clear();
        if (BinaryPrimitives.ReadUInt32LittleEndian(fxsave.AsSpan(MxcsrMaskOffset)) == 0)
            BinaryPrimitives.WriteUInt32LittleEndian(fxsave.AsSpan(MxcsrMaskOffset), DefaultMxcsrMask);

        var components = ImmutableSortedDictionary.CreateBuilder<XFeature, ReadOnlyMemory<byte>>();
        components[XFeature.Ymm] = new byte[YmmSize];
        foreach (XFeature feature in Features)
        {
            ReadOnlySpan<byte> bytes = state.Component((int)feature);
            if (!bytes.IsEmpty)
                components[feature] = bytes.ToArray();
        }
        return new X86FpuState(fxsave, state.Features & Carried, components.ToImmutable());
    }

    /// <summary>Components in use that nothing carries: AMX tiles, shadow stacks.</summary>
    public static ulong NotCarried(TaskStruct thread) => XState.Read(thread).Features & ~Carried;
}
