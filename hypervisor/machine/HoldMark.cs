using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Watari.Hypervisor;

/// <summary>
/// Tells whoever comes after us that a VM stands still only because we hold it: a file beside the monitor's socket, <c>qmp.sock.held</c>. It holds
/// the start time of the QEMU that is held, so that it means nothing to another, or zero. Setting it is one write of eight bytes into the page
/// cache, for it is on the way of every blackout; there it outlives our end by SIGKILL. What ends the host ends the VM, too.
/// </summary>
/// <remarks>A monitor serves one client at a time: who is connected to it may be sure that whoever set its mark is gone.</remarks>
internal sealed class HoldMark : IDisposable
{
    private const int Length = sizeof(ulong);

    private readonly Lock _gate = new();
    private readonly SafeFileHandle _file;
    private readonly ulong _qemu;
    private bool _isSet;

    private HoldMark(SafeFileHandle file, ulong qemu)
    {
        _file = file;
        _qemu = qemu;
        _isSet = Read(file) == qemu;
        if (!_isSet) Write(0);
    }

    /// <summary>True from <see cref="Set"/> to <see cref="Clear"/>, whichever process called them.</summary>
    internal bool IsSet
    {
        get
        {
            lock (_gate) return _isSet;
        }
    }

    /// <exception cref="HypervisorException">The file can be neither found nor made.</exception>
    internal static HoldMark Open(string socketPath, QemuProcess process)
    {
        string path = PathOf(socketPath);
        try
        {
            return new HoldMark(File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite), process.StartTime);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new HypervisorException(
                $"{path} cannot be written: {failure.Message}. It marks a VM that stands still because Watari holds it, and must lie beside the socket: make the directory writable.", failure);
        }
    }

    /// <summary>True where some QEMU was held behind the socket when its holder was last heard of.</summary>
    internal static bool MayBeSet(string socketPath)
    {
        try
        {
            using SafeFileHandle file = File.OpenHandle(PathOf(socketPath), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return Read(file) != 0;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    internal void Set()
    {
        lock (_gate)
        {
            if (!_isSet) Write(_qemu);
            _isSet = true;
        }
    }

    internal void Clear()
    {
        lock (_gate)
        {
            if (_isSet) Write(0);
            _isSet = false;
        }
    }

    public void Dispose() => _file.Dispose();

    private static string PathOf(string socketPath) => socketPath + ".held";

    private static ulong Read(SafeFileHandle file)
    {
        Span<byte> word = stackalloc byte[Length];
        return RandomAccess.Read(file, word, 0) == Length ? BinaryPrimitives.ReadUInt64LittleEndian(word) : 0;
    }

    private void Write(ulong value)
    {
        Span<byte> word = stackalloc byte[Length];
        BinaryPrimitives.WriteUInt64LittleEndian(word, value);
        RandomAccess.Write(_file, word, 0);
    }
}
