using System.Text;

namespace Watari.Client.Tests.Terminals;

/// <summary>
/// What a terminal shows of the bytes that come to it: the few control sequences that a console which draws one line in place may use.
/// Any other is a mistake of that console, and is kept as one.
/// </summary>
internal sealed class Screen(int columns, int rows)
{
    private readonly Lock _gate = new();
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly char[,] _cells = Blank(columns, rows);
    private readonly StringBuilder _sequence = new();
    private readonly List<string> _seen = [];
    private readonly List<string> _strange = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _row;
    private int _column;
    private bool _wraps;
    private bool _written;

    /// <summary>The rows, without those below that are empty, and without blanks at their ends.</summary>
    public IReadOnlyList<string> Rows
    {
        get
        {
            lock (_gate) return Text();
        }
    }

    /// <summary>Everything on it as one text, rows that were wrapped joined again.</summary>
    public string Joined => string.Concat(Rows.Select(row => row.PadRight(columns))).TrimEnd();

    /// <summary>What stood on it after each piece that came, rows parted by line feeds; each text once for as long as it stood.</summary>
    public IReadOnlyList<string> Seen
    {
        get
        {
            lock (_gate) return [.. _seen];
        }
    }

    /// <summary>Control sequences that are none of those it knows: colours, other screens, a hidden cursor.</summary>
    public IReadOnlyList<string> Strange
    {
        get
        {
            lock (_gate) return [.. _strange];
        }
    }

    public (int Row, int Column) Cursor
    {
        get
        {
            lock (_gate) return (_row, _column);
        }
    }

    public void Feed(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            char[] text = new char[bytes.Length + 1];
            int length = _decoder.GetChars(bytes, text, flush: false);
            foreach (char c in text.AsSpan(0, length)) Put(c);
            string shown = string.Join('\n', Text());
            if (_seen.Count == 0 || _seen[^1] != shown) _seen.Add(shown);
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Waits until the words stand on it.</summary>
    public Task UntilAsync(string words, TimeSpan patience) =>
        UntilAsync(() => Text().Any(row => row.Contains(words, StringComparison.Ordinal)), $"'{words}' did not come", patience);

    /// <summary>Waits until it has shown so many texts that differ.</summary>
    public Task UntilSeenAsync(int texts, TimeSpan patience) => UntilAsync(() => _seen.Distinct().Count() >= texts, $"{texts} texts did not come", patience);

    private async Task UntilAsync(Func<bool> holds, string otherwise, TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (holds()) return;
                changed = _changed.Task;
            }

            try
            {
                await changed.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"{otherwise}; the screen shows:\n{string.Join('\n', Rows)}");
            }
        }
    }

    private void Put(char c)
    {
        if (_sequence.Length > 0)
        {
            _sequence.Append(c);
            if (_sequence.Length == 2 ? c != '[' : char.IsAsciiLetter(c)) Obey();
            return;
        }

        switch (c)
        {
            case '\u001b':
                _sequence.Append(c);
                break;
            case '\r':
                (_column, _wraps) = (0, false);
                break;
            case '\n':
                (_row, _wraps) = (_row + 1, false);
                Scroll();
                break;
            case < ' ':
                _strange.Add($"\\x{(int)c:x2}");
                break;
            default:
                if (_wraps)
                {
                    (_row, _column, _wraps) = (_row + 1, 0, false);
                    Scroll();
                }

                _written = true;
                _cells[_row, _column] = c;
                if (_column == columns - 1) _wraps = true;
                else _column++;
                break;
        }
    }

    private void Obey()
    {
        string sequence = _sequence.ToString();
        _sequence.Clear();
        if (sequence is "\u001b[K")
        {
            for (int i = _column; i < columns; i++) _cells[_row, i] = ' ';
            return;
        }

        // keypad_xmit of terminfo: .NET writes it, once, before the first byte of a program that uses Console.
        if (!_written && sequence is "\u001b[?1h" or "\u001b=") return;
        _strange.Add(sequence.Replace("\u001b", "ESC", StringComparison.Ordinal));
    }

    private void Scroll()
    {
        if (_row < rows) return;
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++) _cells[i, j] = i + 1 < rows ? _cells[i + 1, j] : ' ';
        }

        _row = rows - 1;
    }

    private List<string> Text()
    {
        var text = new List<string>();
        for (int i = 0; i < rows; i++)
        {
            text.Add(string.Concat(Enumerable.Range(0, columns).Select(j => _cells[i, j])).TrimEnd());
        }

        while (text.Count > 0 && text[^1].Length == 0) text.RemoveAt(text.Count - 1);
        return text;
    }

    private static char[,] Blank(int columns, int rows)
    {
        char[,] cells = new char[rows, columns];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++) cells[i, j] = ' ';
        }

        return cells;
    }
}
