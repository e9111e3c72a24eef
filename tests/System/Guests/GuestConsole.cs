using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Watari.Guests;

/// <summary>What a command in the guest said and how it ended.</summary>
/// <param name="Output">Its stdout and stderr as they came, carriage returns and the last newline removed.</param>
/// <param name="ExitCode">As the shell gives it.</param>
public readonly record struct GuestCommandResult(string Output, int ExitCode);

/// <summary>The root shell on a guest's serial console (ttyS0), over the host's end of it.</summary>
public sealed class GuestConsole : IAsyncDisposable
{
    /// <summary>The guest's terminal takes no longer line (N_TTY_BUF_SIZE, drivers/tty/n_tty.c), nor more before it is read.</summary>
    public const int MaxCommandLength = 3500;

    public static readonly TimeSpan DefaultDeadline = TimeSpan.FromSeconds(30);

    private readonly Socket _socket;
    private readonly StringBuilder _heard = new();
    private readonly SemaphoreSlim _oneCommand = new(1, 1);
    private readonly SemaphoreSlim _more = new(0);
    private readonly Task _hearing;
    private bool _ended;
    private int _commands;

    private GuestConsole(Socket socket)
    {
        _socket = socket;
        _hearing = HearAsync();
    }

    /// <summary>Connects and makes the shell a silent one. A console serves one client at a time.</summary>
    public static async Task<GuestConsole> ConnectAsync(string consoleSocket, CancellationToken cancellation = default)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(consoleSocket), cancellation);
        var console = new GuestConsole(socket);
        await console.RunAsync("stty -echo; PS1=; PS2=", cancellation: cancellation);
        return console;
    }

    /// <summary>Runs a command of one or more lines, its stdin empty.</summary>
    /// <exception cref="TimeoutException">It did not end in time; with what the console said.</exception>
    public async Task<GuestCommandResult> RunAsync(string command, TimeSpan? deadline = null, CancellationToken cancellation = default)
    {
        if (Encoding.UTF8.GetByteCount(command) > MaxCommandLength) throw new ArgumentException($"The guest's terminal takes {MaxCommandLength} bytes at a time.", nameof(command));
        await _oneCommand.WaitAsync(cancellation);
        try
        {
            // The quotes keep the echo of the command from looking like its end.
            string tag = string.Create(CultureInfo.InvariantCulture, $"watari-{Environment.TickCount64:x}-{++_commands}");
            lock (_heard) _heard.Clear();
            await SendAsync($"echo {tag}''-begin; {{ {command}\n}} </dev/null 2>&1; echo {tag}''-end-$?\n", cancellation);
            return await ResultAsync(tag, command, deadline ?? DefaultDeadline, cancellation);
        }
        finally
        {
            _oneCommand.Release();
        }
    }

    /// <summary>As <see cref="RunAsync"/>, and the command must succeed.</summary>
    /// <exception cref="InvalidOperationException">It ended with another exit code than 0.</exception>
    public async Task<string> CheckAsync(string command, TimeSpan? deadline = null, CancellationToken cancellation = default)
    {
        GuestCommandResult result = await RunAsync(command, deadline, cancellation);
        return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException($"In the guest, exit code {result.ExitCode}: {command}\n{result.Output}");
    }

    /// <summary>Has the guest's kernel panic (sysrq c), and does not wait for it.</summary>
    public Task PanicAsync(CancellationToken cancellation = default) => SendAsync("echo c >/proc/sysrq-trigger\n", cancellation);

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _hearing;
    }

    private async Task<GuestCommandResult> ResultAsync(string tag, string command, TimeSpan deadline, CancellationToken cancellation)
    {
        var whole = new Regex($@"{tag}-begin\r?\n(?<output>.*?){tag}-end-(?<code>\d+)\r?\n", RegexOptions.Singleline | RegexOptions.ExplicitCapture);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(deadline);
        while (true)
        {
            string heard;
            lock (_heard) heard = _heard.ToString();
            if (heard.Contains($"{tag}-end-", StringComparison.Ordinal) && whole.Match(heard) is { Success: true } match)
                return new(match.Groups["output"].Value.Replace("\r", "", StringComparison.Ordinal).TrimEnd('\n'), int.Parse(match.Groups["code"].ValueSpan, CultureInfo.InvariantCulture));
            if (_ended) throw new IOException($"The VM ended during: {command}\nIts console said:\n{heard}");
            try
            {
                await _more.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                throw new TimeoutException($"In the guest, not done within {deadline.TotalSeconds:0} s: {command}\nIts console said:\n{heard}");
            }
        }
    }

    private async Task SendAsync(string text, CancellationToken cancellation)
    {
        for (ReadOnlyMemory<byte> rest = Encoding.UTF8.GetBytes(text); !rest.IsEmpty;) rest = rest[await _socket.SendAsync(rest, cancellation)..];
    }

    /// <summary>Hears all the time: a console that nobody reads stops the guest's writers.</summary>
    private async Task HearAsync()
    {
        byte[] buffer = new byte[64 << 10];
        Decoder decoder = Encoding.UTF8.GetDecoder();
        char[] text = new char[buffer.Length + 1];
        try
        {
            while (await _socket.ReceiveAsync(buffer) is > 0 and int count)
            {
                int chars = decoder.GetChars(buffer.AsSpan(0, count), text, flush: false);
                lock (_heard) _heard.Append(text, 0, chars);
                _more.Release();
            }
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // the VM, or we
        }
        _ended = true;
        _more.Release();
    }
}
