using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Agent;

public sealed class ChildProcessTests
{
    [Fact]
    public void A_programs_code_and_output_come_back()
    {
        Assert.Equal((3, "out\nerr\n"), Shell("echo out; echo err >&2; exit 3", 30_000));
    }

    [Fact]
    public void A_program_ended_by_a_signal_has_128_and_its_number()
    {
        Assert.Equal(128 + 15, Shell("kill -TERM $$", 30_000).ExitCode);
    }

    [Fact]
    public void A_program_that_outlives_its_deadline_is_killed()
    {
        using ChildProcess sleeper = ChildProcess.Start("/bin/sleep", ["sleep", "1000"], []);
        Assert.Equal(AgentErrorCode.DeadlineExceeded, Assert.Throws<AgentException>(() => sleeper.Wait(Deadline.After(20), "it slept")).Code);
        Assert.False(Directory.Exists($"/proc/{sleeper.Pid}"));
    }

    [Fact]
    public void A_program_whose_request_is_cut_short_is_killed()
    {
        using Cancellation bell = new();
        using ChildProcess sleeper = ChildProcess.Start("/bin/sleep", ["sleep", "1000"], []);
        bell.Strike();
        Assert.Equal(AgentErrorCode.Interrupted, Assert.Throws<AgentException>(() => sleeper.Wait(Deadline.After(30_000, bell), "it slept")).Code);
        Assert.False(Directory.Exists($"/proc/{sleeper.Pid}"));
    }

    [Fact]
    public void Programs_get_no_descriptor_that_they_were_not_given()
    {
        string path = Path.GetTempFileName();
        using KernelFile mine = KernelFile.Open(path, Libc.O_RDONLY);
        Assert.DoesNotContain(path, Shell("ls -l /proc/self/fd", 30_000).Output, StringComparison.Ordinal);
        File.Delete(path);
    }

    private static (int ExitCode, string Output) Shell(string script, int milliseconds) =>
        ChildProcess.Run("/bin/sh", ["sh", "-c", script], ["PATH=/usr/bin:/bin"], Deadline.After(milliseconds));
}
