using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Watari.Client.Output;

/// <summary>
/// One line of a terminal, drawn anew in its place: how far, for how long, and what is being done. It never hides the cursor and never
/// goes beyond its row, so that a process that is killed leaves nothing to be repaired.
/// </summary>
internal sealed class LiveLine : IAsyncDisposable
{
    private const string Erase = "\r\u001b[K";
    private const string Wheel = @"|/-\";
    private const int BarWidth = 10;

    /// <summary>Below this width the bar goes: the words matter more.</summary>
    private const int RoomForBar = 60;

    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(125);

    private readonly TextWriter _writer;
    private readonly Func<int> _width;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Task _turning;
    private string _text = "";
    private double _part;
    private int _turns;

    /// <param name="width">Columns of the terminal now: it may be resized.</param>
    public LiveLine(TextWriter writer, Func<int> width)
    {
        (_writer, _width) = (writer, width);
        _turning = TurnAsync();
    }

    /// <param name="part">How much of the way is done, 0 to 1.</param>
    public void Show(string text, double part)
    {
        lock (_gate)
        {
            (_text, _part) = (text, part);
            Draw();
        }
    }

    /// <summary>A line that stays, above the one that is redrawn.</summary>
    public void Say(string line)
    {
        lock (_gate)
        {
            _writer.Write(Erase);
            _writer.WriteLine(line);
            Draw();
        }
    }

    /// <summary>Ends it and leaves the row empty.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _turning;
        lock (_gate)
        {
            _writer.Write(Erase);
            _writer.Flush();
        }

        _stopping.Dispose();
    }

    /// <summary>What fits into the columns, with the last one free: a terminal wraps when it is written to.</summary>
    public static string Render(int columns, int turns, double part, TimeSpan elapsed, string text)
    {
        int room = Math.Max(1, columns - 1);
        string time = elapsed.TotalSeconds < 60 ? $"{(int)elapsed.TotalSeconds,3} s" : $"{(int)elapsed.TotalMinutes,2}:{elapsed.Seconds:00}";
        int done = (int)Math.Round(Math.Clamp(part, 0, 1) * BarWidth);
        string bar = columns < RoomForBar ? "" : $"[{new string('#', done)}{new string('.', BarWidth - done)}] ";
        return Cut($"{Wheel[turns % Wheel.Length]} {bar}{time}  {text}", room);
    }

    /// <summary>Columns of the terminal that a descriptor is; 80 where it does not say.</summary>
    public static int WidthOf(int descriptor) =>
        Ioctl(descriptor, GetWindowSize, out WindowSize size) == 0 && size.Columns > 0 ? size.Columns : 80;

    private static string Cut(string line, int room)
    {
        int used = 0;
        int fits = 0;
        for (int i = 0; i < line.Length; i++)
        {
            // Beyond ASCII a character may take two columns, and none takes more.
            used += line[i] < 0x7f ? 1 : 2;
            if (used > room) return room == 1 ? "" : line[..fits] + "…";
            if (used < room) fits = i + 1;
        }

        return line;
    }

    private async Task TurnAsync()
    {
        using var turns = new PeriodicTimer(Turn);
        try
        {
            while (await turns.WaitForNextTickAsync(_stopping.Token))
            {
                lock (_gate)
                {
                    _turns++;
                    Draw();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // It is over.
        }
    }

    private void Draw()
    {
        _writer.Write($"\r{Render(_width(), _turns, _part, Stopwatch.GetElapsedTime(_started), _text)}\u001b[K");
        _writer.Flush();
    }

    private const nuint GetWindowSize = 0x5413; // TIOCGWINSZ

    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort Width;
        public ushort Height;
    }

#pragma warning disable SYSLIB1054 // The generated form needs unsafe code, which the console has no other use for.
    [DllImport("libc", EntryPoint = "ioctl")]
    private static extern int Ioctl(int descriptor, nuint request, out WindowSize size);
#pragma warning restore SYSLIB1054
}
