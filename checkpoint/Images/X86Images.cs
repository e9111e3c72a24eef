using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Google.Protobuf.Collections;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>Registers and floating-point state in the core images.</summary>
internal static class X86Images
{
    // Words of the FXSAVE area (Intel SDM 1, table 10-2): 8 x87 registers of 16 bytes at 32, 16 SSE registers at 160.
    private const int StOffset = 32;
    private const int StWords = 32;
    private const int XmmOffset = 160;
    private const int XmmWords = 64;

    public static Proto.ThreadInfoX86 Build(ProcessThread thread) => new()
    {
        ClearTidAddr = thread.ClearChildTid,
        Gpregs = Build(thread.Registers),
        Fpregs = Build(thread.Fpu),
        Tls = { (thread.Tls.IsEmpty ? UnusedTls : thread.Tls).Select(Build) },
    };

    private static ImmutableArray<TlsDescriptor> UnusedTls { get; } =
    [
        .. Enumerable.Range(12, 3).Select(entry => new TlsDescriptor { EntryNumber = (uint)entry, ReadExecOnly = true, SegNotPresent = true }),
    ];

    private static Proto.UserX86RegsEntry Build(X86Registers r) => new()
    {
        R15 = r.R15,
        R14 = r.R14,
        R13 = r.R13,
        R12 = r.R12,
        Bp = r.Bp,
        Bx = r.Bx,
        R11 = r.R11,
        R10 = r.R10,
        R9 = r.R9,
        R8 = r.R8,
        Ax = r.Ax,
        Cx = r.Cx,
        Dx = r.Dx,
        Si = r.Si,
        Di = r.Di,
        OrigAx = r.OrigAx,
        Ip = r.Ip,
        Cs = r.Cs,
        Flags = r.Flags,
        Sp = r.Sp,
        Ss = r.Ss,
        FsBase = r.FsBase,
        GsBase = r.GsBase,
        Ds = r.Ds,
        Es = r.Es,
        Fs = r.Fs,
        Gs = r.Gs,
        Mode = Proto.UserX86RegsMode.Native,
    };

    public static X86Registers ParseRegisters(Proto.UserX86RegsEntry r, string name) => r.Mode != Proto.UserX86RegsMode.Native
        ? throw new CriuImageException(name, "a 32-bit thread, which is not carried")
        : new()
        {
            R15 = r.R15,
            R14 = r.R14,
            R13 = r.R13,
            R12 = r.R12,
            Bp = r.Bp,
            Bx = r.Bx,
            R11 = r.R11,
            R10 = r.R10,
            R9 = r.R9,
            R8 = r.R8,
            Ax = r.Ax,
            Cx = r.Cx,
            Dx = r.Dx,
            Si = r.Si,
            Di = r.Di,
            OrigAx = r.OrigAx,
            Ip = r.Ip,
            Cs = r.Cs,
            Flags = r.Flags,
            Sp = r.Sp,
            Ss = r.Ss,
            FsBase = r.FsBase,
            GsBase = r.GsBase,
            Ds = r.Ds,
            Es = r.Es,
            Fs = r.Fs,
            Gs = r.Gs,
        };

    private static Proto.UserX86FpregsEntry Build(X86FpuState fpu)
    {
        ReadOnlySpan<byte> area = fpu.Fxsave.Span;
        return new Proto.UserX86FpregsEntry
        {
            Cwd = MemoryMarshal.Read<ushort>(area),
            Swd = MemoryMarshal.Read<ushort>(area[2..]),
            Twd = MemoryMarshal.Read<ushort>(area[4..]),
            Fop = MemoryMarshal.Read<ushort>(area[6..]),
            Rip = MemoryMarshal.Read<ulong>(area[8..]),
            Rdp = MemoryMarshal.Read<ulong>(area[16..]),
            Mxcsr = MemoryMarshal.Read<uint>(area[24..]),
            MxcsrMask = MemoryMarshal.Read<uint>(area[28..]),
            StSpace = { Words<uint>(area.Slice(StOffset, StWords * sizeof(uint))) },
            XmmSpace = { Words<uint>(area.Slice(XmmOffset, XmmWords * sizeof(uint))) },
            Xsave = BuildXsave(fpu),
        };
    }

    private static Proto.UserX86XsaveEntry BuildXsave(X86FpuState fpu)
    {
        var xsave = new Proto.UserX86XsaveEntry { XstateBv = fpu.XstateBv };
        foreach ((XFeature feature, ReadOnlyMemory<byte> bytes) in fpu.Components)
        {
            switch (feature)
            {
                case XFeature.Ymm:
                    xsave.YmmhSpace.AddRange(Words<uint>(bytes.Span));
                    break;
                case XFeature.BoundRegisters:
                    xsave.BndregState.AddRange(Words<ulong>(bytes.Span));
                    break;
                case XFeature.BoundControl:
                    xsave.BndcsrState.AddRange(Words<ulong>(bytes.Span));
                    break;
                case XFeature.Opmask:
                    xsave.OpmaskReg.AddRange(Words<ulong>(bytes.Span));
                    break;
                case XFeature.ZmmHi256:
                    xsave.ZmmUpper.AddRange(Words<ulong>(bytes.Span));
                    break;
                case XFeature.Hi16Zmm:
                    xsave.Hi16Zmm.AddRange(Words<ulong>(bytes.Span));
                    break;
                case XFeature.Pkru:
                    xsave.Pkru.AddRange(Words<uint>(bytes.Span));
                    break;
                default:
                    throw new ArgumentException($"The XSAVE component {(int)feature} has no place in the images.", nameof(fpu));
            }
        }
        return xsave;
    }

    public static X86FpuState ParseFpu(Proto.UserX86FpregsEntry fpu, string name)
    {
        byte[] area = new byte[X86FpuState.FxsaveSize];
        MemoryMarshal.Write(area, (ushort)fpu.Cwd);
        MemoryMarshal.Write(area.AsSpan(2), (ushort)fpu.Swd);
        MemoryMarshal.Write(area.AsSpan(4), (ushort)fpu.Twd);
        MemoryMarshal.Write(area.AsSpan(6), (ushort)fpu.Fop);
        MemoryMarshal.Write(area.AsSpan(8), fpu.Rip);
        MemoryMarshal.Write(area.AsSpan(16), fpu.Rdp);
        MemoryMarshal.Write(area.AsSpan(24), fpu.Mxcsr);
        MemoryMarshal.Write(area.AsSpan(28), fpu.MxcsrMask);
        if (fpu.StSpace.Count != StWords || fpu.XmmSpace.Count != XmmWords)
            throw new CriuImageException(name, $"{fpu.StSpace.Count} words of x87 and {fpu.XmmSpace.Count} of SSE registers instead of {StWords} and {XmmWords}");
        Bytes(fpu.StSpace).CopyTo(area.AsSpan(StOffset));
        Bytes(fpu.XmmSpace).CopyTo(area.AsSpan(XmmOffset));

        var components = ImmutableSortedDictionary.CreateBuilder<XFeature, ReadOnlyMemory<byte>>();
        ulong bv = 0;
        if (fpu.Xsave is { } xsave)
        {
            bv = xsave.XstateBv;
            Put(XFeature.Ymm, Bytes(xsave.YmmhSpace));
            Put(XFeature.BoundRegisters, Bytes(xsave.BndregState));
            Put(XFeature.BoundControl, Bytes(xsave.BndcsrState));
            Put(XFeature.Opmask, Bytes(xsave.OpmaskReg));
            Put(XFeature.ZmmHi256, Bytes(xsave.ZmmUpper));
            Put(XFeature.Hi16Zmm, Bytes(xsave.Hi16Zmm));
            Put(XFeature.Pkru, Bytes(xsave.Pkru));
        }
        return new X86FpuState(area, bv, components.ToImmutable());

        void Put(XFeature feature, byte[] bytes)
        {
            if (bytes.Length != 0)
                components.Add(feature, bytes);
        }
    }

    private static Proto.UserDesc Build(TlsDescriptor tls) => new()
    {
        EntryNumber = tls.EntryNumber,
        BaseAddr = tls.BaseAddress,
        Limit = tls.Limit,
        Seg32Bit = tls.Seg32Bit,
        ContentsH = tls.ContentsHigh,
        ContentsL = tls.ContentsLow,
        ReadExecOnly = tls.ReadExecOnly,
        LimitInPages = tls.LimitInPages,
        SegNotPresent = tls.SegNotPresent,
        Usable = tls.Usable,
    };

    public static TlsDescriptor ParseTls(Proto.UserDesc tls) => new()
    {
        EntryNumber = tls.EntryNumber,
        BaseAddress = tls.BaseAddr,
        Limit = tls.Limit,
        Seg32Bit = tls.Seg32Bit,
        ContentsHigh = tls.ContentsH,
        ContentsLow = tls.ContentsL,
        ReadExecOnly = tls.ReadExecOnly,
        LimitInPages = tls.LimitInPages,
        SegNotPresent = tls.SegNotPresent,
        Usable = tls.Usable,
    };

    private static T[] Words<T>(ReadOnlySpan<byte> bytes)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(bytes).ToArray();

    private static byte[] Bytes<T>(RepeatedField<T> words)
        where T : unmanaged => MemoryMarshal.AsBytes(words.ToArray().AsSpan()).ToArray();
}
