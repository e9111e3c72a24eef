using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Watari.Client.Tests.Terminals;

/// <summary>A pseudo terminal and the process that has it as its own: what it writes comes to a screen, what is typed goes to it, Ctrl-C among it.</summary>
internal sealed class Pty : IDisposable
{
    private const int FdCloexec = 1;
    private const int SetDescriptorFlags = 2; // F_SETFD

    private readonly SafeFileHandle _master;
    private readonly SafeFileHandle _slave;
    private readonly FileStream _keyboard;
    private readonly string _name;
    private Process? _process;
    private Task _reading = Task.CompletedTask;

    public Pty(int columns, int rows = 24)
    {
        byte[] name = new byte[64];
        var size = new WindowSize { Rows = (ushort)rows, Columns = (ushort)columns };
        if (OpenPty(out int master, out int slave, name, 0, ref size) != 0) throw new Win32Exception();
        // No other process that this one starts meanwhile may keep it open.
        if (Fcntl(master, SetDescriptorFlags, FdCloexec) != 0 || Fcntl(slave, SetDescriptorFlags, FdCloexec) != 0) throw new Win32Exception();
        _master = new SafeFileHandle(master, ownsHandle: true);
        _slave = new SafeFileHandle(slave, ownsHandle: true);
        _keyboard = new FileStream(_master, FileAccess.Write, bufferSize: 0);
        _name = Encoding.ASCII.GetString(name, 0, Array.IndexOf(name, (byte)0));
        Screen = new Screen(columns, rows);
    }

    public Screen Screen { get; }

    /// <summary>Makes the process the leader of a session whose terminal this is, as a shell in a window is.</summary>
    /// <param name="start">What to run. Its standard output may be sent to a file by <paramref name="output"/>.</param>
    public void Start(ProcessStartInfo start, string? output = null)
    {
        string redirections = $"<{_name} >{output ?? _name} 2>{_name}";
        var leader = new ProcessStartInfo("sh", ["-c", $"exec setsid --ctty --wait \"$@\" {redirections}", "sh", start.FileName, .. start.ArgumentList]);
        foreach ((string key, string? value) in start.Environment) leader.Environment[key] = value;
        _process = Process.Start(leader)!;
        _reading = Task.Factory.StartNew(Read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    public void Type(string keys) => _keyboard.Write(Encoding.ASCII.GetBytes(keys));

    /// <summary>Its exit code; the screen is whole then.</summary>
    public async Task<int> EndAsync(TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        await _process!.WaitForExitAsync(limit.Token);
        _slave.Dispose(); // with the last one that has it open gone, reading ends
        await _reading.WaitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <summary>The terminal's settings, as <c>stty</c> shows them.</summary>
    public async Task<string> SettingsAsync()
    {
        using Process stty = Process.Start(new ProcessStartInfo("stty", ["-a", "-F", _name]) { RedirectStandardOutput = true })!;
        string settings = await stty.StandardOutput.ReadToEndAsync();
        await stty.WaitForExitAsync();
        return settings;
    }

    public void Dispose()
    {
        if (_process is { HasExited: false }) _process.Kill(entireProcessTree: true);
        _process?.Dispose();
        _slave.Dispose();
        _keyboard.Dispose();
        _master.Dispose();
    }

    private void Read()
    {
        byte[] buffer = new byte[4096];
        while (ReadDescriptor(_master.DangerousGetHandle().ToInt32(), buffer, (nuint)buffer.Length) is > 0 and var read) Screen.Feed(buffer.AsSpan(0, (int)read));
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort Width;
        public ushort Height;
    }

#pragma warning disable SYSLIB1054 // The generated form needs unsafe code.
    [DllImport("libc", EntryPoint = "openpty", SetLastError = true)]
    private static extern int OpenPty(out int master, out int slave, byte[] name, nint settings, ref WindowSize size);

    [DllImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static extern int Fcntl(int descriptor, int command, int argument);

    [DllImport("libc", EntryPoint = "read", SetLastError = true)]
    private static extern nint ReadDescriptor(int descriptor, byte[] buffer, nuint count);
#pragma warning restore SYSLIB1054
}
