using System.Diagnostics;
using System.Globalization;
using Watari.GuestAgent.Cgroups;
using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Criu;

/// <summary>
/// The agent invoked as <c>criu</c> by runc. It passes runc's RPC on to the real criu and back,
/// descriptors included, and at pre-resume freezes the container's cgroup before it lets criu go on:
/// runc itself has no such point. What criu writes of its work it brings to the agent, where that is elsewhere. What runc asks besides a restore goes to the real criu untouched.
/// </summary>
internal static class Relay
{
    // How the agent tells the relay of its job; runc passes its environment on.
    private const string CriuVariable = "WATARI_RELAY_CRIU", ShelterVariable = "WATARI_RELAY_SHELTER", ReportVariable = "WATARI_RELAY_REPORT", DeadlineVariable = "WATARI_RELAY_DEADLINE";

    private const int KillMilliseconds = 5000;

    /// <summary>The variables by which a runc, started by whomever, calls this for criu.</summary>
    public static (string Name, string Value)[] EnvironmentOf(AgentPaths paths, string criu, JobId job, Deadline deadline) =>
    [
        ("PATH", $"{paths.Programs}:{EnvironmentList.SearchPath}"),
        ("HOME", "/root"),
        (CriuVariable, criu),
        (ShelterVariable, JobRecord.ShelterOf(job).Path),
        (ReportVariable, paths.Of(job).RelayReport),
        (DeadlineVariable, deadline.At.ToString(CultureInfo.InvariantCulture)),
    ];

    /// <summary>This process was started as criu by a runc that the agent had started.</summary>
    public static bool IsMeant(IReadOnlyList<string> arguments) =>
        arguments is ["swrk", ..] && Environment.GetEnvironmentVariable(ReportVariable) is not null;

    /// <returns>The exit code: criu's, or 1.</returns>
    public static int Run(IReadOnlyList<string> arguments)
    {
        string criu = Variable(CriuVariable);
        using SeqPacket runc = new(int.Parse(arguments[1], CultureInfo.InvariantCulture));
        // Looked at, not taken: a real criu that we become reads it itself.
        byte[]? first = runc.Peek();
        if (first is null || CriuRequest.Parse(first).Type != CriuRequestType.Restore)
            Exec.Become(criu, ["criu", .. arguments]);

        Deadline deadline = new(long.Parse(Variable(DeadlineVariable), CultureInfo.InvariantCulture));
        Cgroup shelter = Cgroup.At(Variable(ShelterVariable));
        // runc puts the process that it takes for criu into the container's cgroup before it sends the order.
        Cgroup tasks = Cgroup.Of("self") ?? throw new InvalidOperationException("runc has put criu into no cgroup.");
        if (tasks.Path == shelter.Path)
            throw new InvalidOperationException("runc has left criu in the job's own cgroup; the restored container could not be held.");
        RelayReport report = new() { Cgroup = tasks.Path, Ordered = Now };
        report.Write(Variable(ReportVariable));
        try
        {
            return Restore(runc, criu, tasks, shelter, deadline, report);
        }
        catch (Exception failed)
        {
            (report with { Failure = failed.Message }).Write(Variable(ReportVariable));
            // runc sees its peer end and gives up; nothing of a half-restored tree may remain.
            tasks.Kill(Deadline.After(KillMilliseconds));
            return 1;
        }
    }

    private static int Restore(SeqPacket runc, string criuFile, Cgroup tasks, Cgroup shelter, Deadline deadline, RelayReport report)
    {
        (SeqPacket ours, SeqPacket theirs) = SeqPacket.Pair();
        using (ours)
        {
            ChildProcess criu;
            using (theirs)
            {
                // criu must not hold runc's socket: runc would not see this process end.
                runc.CloseOnExec();
                // Born in the container's cgroup, as the processes that it forks shall be.
                criu = ChildProcess.StartBeside(criuFile, ["criu", "swrk", theirs.Fd.ToString(CultureInfo.InvariantCulture)], EnvironmentList.Current(), inherit: theirs.Fd);
            }
            List<KernelFile> directories = [];
            try
            {
                shelter.Add(Environment.ProcessId);
                Pass(runc, ours, criu, criuFile, directories, tasks, shelter, deadline, report);
                return criu.Wait(deadline, "criu ended");
            }
            finally
            {
                criu.Dispose();
                if (directories is [_, var work])
                    BringRecords(work, Path.GetDirectoryName(Variable(ReportVariable))!);
                foreach (KernelFile directory in directories)
                    directory.Dispose();
            }
        }
    }

    private static void Pass(SeqPacket runc, SeqPacket criu, ChildProcess process, string criuFile, List<KernelFile> directories, Cgroup tasks, Cgroup shelter, Deadline deadline, RelayReport report)
    {
        bool ordered = false;
        while (true)
        {
            bool fromRunc = deadline.WaitAny([runc.Fd, criu.Fd], Libc.POLLIN, ordered ? "criu restored the container" : "runc ordered the restore") == 0;
            using Packet? packet = (fromRunc ? runc : criu).Receive();
            if (packet is null && fromRunc)
            {
                // runc has its answer; criu reads the end and ends.
                criu.EndSending();
                deadline.Wait(process.Fd, Libc.POLLIN, "criu ended");
                return;
            }
            if (packet is null)
                return;
            byte[] message = packet.Bytes;
            if (fromRunc && !ordered)
            {
                message = TakeDirectories(message, runc.PeerPid(), directories);
                ordered = true;
            }
            if (!fromRunc && CriuResponse.Parse(message) is { Type: CriuRequestType.Notify, Script: CriuResponse.PreResume })
            {
                report = report with { Stopped = Now };
                PreResume.Hold(tasks, shelter, process.Pid, criuFile, deadline);
                report = report with { Held = Now };
                report.Write(Variable(ReportVariable));
            }
            (fromRunc ? criu : runc).Send(message, packet.Descriptors);
        }
    }

    // podman has criu work in the container's own directory, and removes what it wrote.
    private static void BringRecords(KernelFile work, string to)
    {
        string? from = File.ResolveLinkTarget($"/proc/self/fd/{work.Fd}", returnFinalTarget: false)?.FullName;
        if (from is null || from == to)
            return;
        foreach (string name in (string[])[JobPaths.RestoreLogName, RestoreStatistics.FileName])
        {
            try
            {
                File.Copy(Path.Combine(from, name), Path.Combine(to, name), overwrite: true);
            }
            catch (IOException)
            {
                // criu did not come so far; or there is no room for what is only told
            }
        }
    }

    // criu opens its directories through /proc/PEER/fd, and its peer is this process: hold what runc holds.
    private static byte[] TakeDirectories(byte[] order, int peer, List<KernelFile> held)
    {
        CriuRequest request = CriuRequest.Parse(order);
        if (request.ImagesDirectory is not >= 0)
            throw new InvalidDataException("runc's order to restore names no directory of images.");
        KernelFile Hold(int fd)
        {
            KernelFile directory = KernelFile.Open($"/proc/{peer}/fd/{fd}", Libc.O_RDONLY | Libc.O_DIRECTORY);
            held.Add(directory);
            return directory;
        }
        int images = Hold(request.ImagesDirectory.Value).Fd;
        int? work = request.WorkDirectory is >= 0 and int fd ? Hold(fd).Fd : null;
        return CriuRequest.WithDirectories(order, images, work);
    }

    private static double Now => Stopwatch.GetTimestamp() * 1000.0 / Stopwatch.Frequency;

    private static string Variable(string name) => Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException($"{name} is not set: the relay is started by the agent's runc alone.");
}
