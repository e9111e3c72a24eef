using System.Text;
using Watari.GuestAgent.Engines;
using Watari.GuestAgent.Execs;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Agent;

/// <summary>A command's pipes and its end; what stands for an engine's exec is a shell.</summary>
public sealed class ExecSessionTests
{
    private const int Long = 30_000;

    private readonly ExecId id = new(Guid.NewGuid());

    [Fact]
    public void What_it_writes_comes_apart_and_its_code_comes_last()
    {
        using ExecSession session = Shell("echo out; echo err >&2; exit 7");
        Assert.Equal(("out\n", "err\n", 7), ReadAll(session));
        // Asked again, as where the answer was lost.
        Assert.Equal(7, session.Read(Deadline.After(Long)).Result.ExitCode);
    }

    [Fact]
    public void More_than_its_pipes_hold_waits_for_who_reads()
    {
        using ExecSession session = Shell("head -c 1000000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero | tr '\\0' y >&2");
        (string output, string errors, int code) = ReadAll(session);
        Assert.Equal((1_000_000, 300_000, 0), (output.Length, errors.Length, code));
        Assert.True(output.All(letter => letter == 'x') && errors.All(letter => letter == 'y'));
    }

    [Fact]
    public void A_piece_has_no_more_than_it_may()
    {
        using ExecSession session = Shell("head -c 200000 /dev/zero");
        int most = 0;
        while (session.Read(Deadline.After(Long)) is { Result.ExitCode: null } piece)
            most = Math.Max(most, piece.Bytes.Length);
        Assert.InRange(most, 1, ExecReadRequest.MaxBytes);
    }

    [Fact]
    public void Its_standard_input_is_taken_at_its_pace_and_ends()
    {
        using ExecSession session = Shell("sleep 0.2; wc -c", withInput: true);
        byte[] bytes = new byte[ExecWriteRequest.MaxBytes];
        int given = 0;
        for (int i = 0; i < 8; i++)
        {
            for (ReadOnlySpan<byte> left = bytes; !left.IsEmpty;)
            {
                ExecWriteResult taken = session.Write(left, isLast: false, Deadline.After(50));
                Assert.False(taken.IsClosed);
                given += taken.Written;
                left = left[taken.Written..];
            }
        }
        Assert.False(session.Write([], isLast: true, Deadline.After(Long)).IsClosed);
        Assert.True(session.Write([1], isLast: false, Deadline.After(Long)).IsClosed);
        Assert.Equal($"{given}\n", ReadAll(session).Output);
    }

    [Fact]
    public void One_that_reads_no_more_takes_no_more()
    {
        using ExecSession session = Shell("exec <&-; sleep 0.2", withInput: true);
        ExecWriteResult taken = new(0, false);
        while (!taken.IsClosed)
            taken = session.Write(new byte[1000], isLast: false, Deadline.After(Long));
        Assert.Equal(0, ReadAll(session).Code);
    }

    [Fact]
    public void Without_an_input_it_reads_its_end_at_once()
    {
        using ExecSession session = Shell("wc -c");
        Assert.True(session.Write([1], isLast: false, Deadline.After(Long)).IsClosed);
        Assert.Equal("0\n", ReadAll(session).Output);
    }

    [Fact]
    public void A_silent_one_is_waited_for_no_longer_than_asked()
    {
        using ExecSession session = Shell("sleep 1000");
        ExecPiece piece = session.Read(Deadline.After(50));
        Assert.True(piece.Bytes.IsEmpty && piece.Result is { Parts: [], ExitCode: null });
        session.End(Deadline.After(Long));
        Assert.Equal(128 + 9, ReadAll(session).Code);
    }

    [Fact]
    public void Its_end_takes_all_that_it_has_started_with_it_and_those_first_that_tidy_up()
    {
        // As an engine has it: the command is no child of the program that asked for it.
        string file = Path.GetTempFileName();
        using ExecSession session = Shell($"env {MarkedProcesses.MarkOf(id)} setsid sh -c 'trap \"echo tidy >{file}; exit\" TERM; (trap \"\" TERM; exec sleep 1000) & echo $!; while :; do sleep 0.05; done'");
        string pid = Encoding.UTF8.GetString(session.Read(Deadline.After(Long)).Bytes.Span).Trim();

        session.End(Deadline.After(Long));

        Assert.Equal("tidy\n", File.ReadAllText(file));
        Assert.True(!File.Exists($"/proc/{pid}/cmdline") || File.ReadAllText($"/proc/{pid}/cmdline").Length == 0); // its parent may not have heard of its end yet
        Assert.Equal(0, MarkedProcesses.Signal(id, 0));
        File.Delete(file);
    }

    [Fact]
    public void What_it_leaves_running_keeps_nobody_waiting_for_its_end()
    {
        using ExecSession session = Shell("echo done; (while :; do echo more; sleep 0.01; done) & echo $! >&2");
        (string output, string errors, int code) = ReadAll(session);
        Assert.Equal(0, code);
        Assert.StartsWith("done\n", output, StringComparison.Ordinal);
        System.Diagnostics.Process.GetProcessById(int.Parse(errors, System.Globalization.CultureInfo.InvariantCulture)).Kill();
    }

    [Theory]
    [InlineData(ContainerEngine.Docker, "docker exec --interactive --user=root --workdir=/tmp --env=A=b c --env=MARK=1 0123 ls -l")]
    [InlineData(ContainerEngine.Podman, "podman exec --interactive --user=root --workdir=/tmp --env=A=b c --env=MARK=1 0123 ls -l")]
    public void It_is_the_engines_own_exec(ContainerEngine engine, string line) =>
        Assert.Equal(line, string.Join(' ', EnginePrograms.ExecArguments(new EngineContainer(engine, ContainerId.Parse("0123")), Command("root"), "MARK=1", "")));

    [Fact]
    public void Runc_is_told_where_its_state_is_and_a_user_by_number()
    {
        var target = new EngineContainer(ContainerEngine.Runc, ContainerId.Parse("0123"));
        Assert.Equal(
            "runc --root /run/runc exec --user=9:8 --cwd=/tmp --env=A=b c --env=MARK=1 0123 ls -l",
            string.Join(' ', EnginePrograms.ExecArguments(target, Command("9:8"), "MARK=1", "/run/runc")));
        Assert.Equal(AgentErrorCode.Unsupported, Assert.Throws<AgentException>(() => EnginePrograms.ExecArguments(target, Command("root"), "MARK=1", "/run/runc")).Code);
    }

    private static ExecCommand Command(string user) => new() { Arguments = ["ls", "-l"], Environment = ["A=b c"], User = user, Directory = "/tmp", WithInput = true };

    private ExecSession Shell(string script, bool withInput = false) => ExecSession.Start(id, "/bin/sh", ["sh", "-c", script], withInput);

    private static (string Output, string Errors, int Code) ReadAll(ExecSession session)
    {
        StringBuilder output = new(), errors = new();
        while (true)
        {
            ExecPiece piece = session.Read(Deadline.After(Long));
            int at = 0;
            foreach (ExecPart part in piece.Result.Parts)
            {
                (part.IsError ? errors : output).Append(Encoding.UTF8.GetString(piece.Bytes.Span.Slice(at, part.Length)));
                at += part.Length;
            }
            if (piece.Result.ExitCode is { } code)
                return (output.ToString(), errors.ToString(), code);
        }
    }
}
