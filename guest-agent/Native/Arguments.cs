using System.Runtime.InteropServices;

namespace Watari.GuestAgent.Native;

/// <summary>A NULL-terminated array of C strings, as execve takes its arguments and environment.</summary>
internal sealed unsafe class Arguments : IDisposable
{
    private readonly byte** pointers;
    private readonly int count;

    public Arguments(IReadOnlyList<string> strings)
    {
        count = strings.Count;
        pointers = (byte**)NativeMemory.AllocZeroed((nuint)(count + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < count; i++)
            pointers[i] = (byte*)Marshal.StringToCoTaskMemUTF8(strings[i]);
    }

    public byte** Pointers => pointers;

    public void Dispose()
    {
        for (int i = 0; i < count; i++)
            Marshal.FreeCoTaskMem((nint)pointers[i]);
        NativeMemory.Free(pointers);
    }
}
