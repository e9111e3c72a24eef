namespace Watari.GuestAgent.Protocol;

// What may be asked of an agent. Every call throws AgentException (the agent refused or failed, with a code)
// or AgentLostException (no answer: what was done is unknown).
public sealed partial class GuestAgentClient
{
    /// <summary>The guest, its containers, bundles and jobs.</summary>
    public Task<GuestDescription> DescribeAsync(TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(new DescribeRequest { DeadlineMilliseconds = Milliseconds(deadline) }, AgentJson.Default.GuestDescription, null, null, cancellationToken);

    /// <inheritdoc cref="PrepareRequest"/>
    public Task<PrepareResult> PrepareAsync(JobStep at, ContainerId? container, string? bundle, long memoryNeeded, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(
            new PrepareRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Container = container, Bundle = bundle, MemoryNeeded = memoryNeeded },
            AgentJson.Default.PrepareResult, null, null, cancellationToken);

    /// <summary>Prepares a container of Docker's or podman's (see <see cref="PrepareRequest"/>).</summary>
    public Task<PrepareResult> PrepareManagedAsync(JobStep at, ManagedContainer container, long memoryNeeded, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(
            new PrepareRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Managed = container, MemoryNeeded = memoryNeeded },
            AgentJson.Default.PrepareResult, null, null, cancellationToken);

    /// <inheritdoc cref="CheckManagedRequest"/>
    public Task<CheckManagedResult> CheckManagedAsync(ManagedContainer container, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(new CheckManagedRequest { DeadlineMilliseconds = Milliseconds(deadline), Managed = container }, AgentJson.Default.CheckManagedResult, null, null, cancellationToken);

    /// <inheritdoc cref="PutImageRequest"/>
    /// <param name="at">Whose command it is.</param>
    /// <param name="name">The file's name.</param>
    /// <param name="content">Its bytes, from the stream's position to its end; the stream can seek.</param>
    /// <param name="deadline">For all of it.</param>
    /// <param name="cancellationToken">Stops sending.</param>
    public Task<PutImageResult> PutImageAsync(JobStep at, ImageName name, Stream content, TimeSpan deadline, CancellationToken cancellationToken = default)
    {
        long length = content.Length - content.Position;
        return CallAsync(
            new PutImageRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Name = name, Length = length },
            AgentJson.Default.PutImageResult, (data, cancel) => SendAsync(content, length, data, cancel), null, cancellationToken);
    }

    /// <inheritdoc cref="PutArchiveRequest"/>
    /// <param name="at">Whose command it is.</param>
    /// <param name="content">Its bytes, from the stream's position to its end; the stream can seek.</param>
    /// <param name="deadline">For all of it.</param>
    /// <param name="cancellationToken">Stops sending.</param>
    public Task<PutArchiveResult> PutArchiveAsync(JobStep at, Stream content, TimeSpan deadline, CancellationToken cancellationToken = default)
    {
        long length = content.Length - content.Position;
        return CallAsync(
            new PutArchiveRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Length = length },
            AgentJson.Default.PutArchiveResult, (data, cancel) => SendAsync(content, length, data, cancel), null, cancellationToken);
    }

    /// <inheritdoc cref="FillVolumesRequest"/>
    /// <param name="at">Whose command it is.</param>
    /// <param name="changes">Their bytes, from the stream's position to its end; the stream can seek.</param>
    /// <param name="isLast">See <see cref="FillVolumesRequest.IsLast"/>.</param>
    /// <param name="deadline">For all of it.</param>
    /// <param name="cancellationToken">Stops sending.</param>
    public Task<FillVolumesResult> FillVolumesAsync(JobStep at, Stream changes, bool isLast, TimeSpan deadline, CancellationToken cancellationToken = default)
    {
        long length = changes.Length - changes.Position;
        return CallAsync(
            new FillVolumesRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Length = length, IsLast = isLast },
            AgentJson.Default.FillVolumesResult, (data, cancel) => SendAsync(changes, length, data, cancel), null, cancellationToken);
    }

    /// <summary>Puts every regular file of a directory; a file's name must be an <see cref="ImageName"/>.</summary>
    /// <exception cref="FormatException">A file's name is no image name; nothing was sent.</exception>
    /// <returns>Bytes put.</returns>
    public async Task<long> PutImagesAsync(JobStep at, string directory, TimeSpan deadline, CancellationToken cancellationToken = default)
    {
        (ImageName Name, string Path)[] files = [.. Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal).Select(path => (ImageName.Parse(Path.GetFileName(path)), path))];
        long bytes = 0;
        // Small files cost a round trip each: several are under way at once.
        await Parallel.ForEachAsync(files, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellationToken }, async (file, cancel) =>
        {
            await using FileStream content = File.OpenRead(file.Path);
            PutImageResult put = await PutImageAsync(at, file.Name, content, deadline, cancel);
            Interlocked.Add(ref bytes, put.Length);
        });
        return bytes;
    }

    /// <inheritdoc cref="LandingZoneRequest"/>
    /// <returns>The result and the file's pages, in the file's order.</returns>
    public async Task<(LandingZoneResult Result, IReadOnlyList<LandingRun> Runs)> LandingZoneAsync(JobStep at, ImageName name, long length, TimeSpan deadline, CancellationToken cancellationToken = default)
    {
        List<LandingRun> runs = [];
        LandingZoneResult result = await CallAsync(
            new LandingZoneRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Name = name, Length = length },
            AgentJson.Default.LandingZoneResult,
            null,
            part =>
            {
                // The guest is not trusted to bound what it sends: a run has at least one page.
                if (part.Length % LandingRun.WireSize != 0 || runs.Count + (part.Length / LandingRun.WireSize) > (length / 4096) + 1)
                    throw new FormatException("The agent's list of page frames is not what its landing zone can have.");
                for (int at = 0; at < part.Length; at += LandingRun.WireSize)
                    runs.Add(LandingRun.Read(part.Span[at..]));
            },
            cancellationToken);
        return (result, runs);
    }

    /// <inheritdoc cref="RestoreRequest"/>
    public Task<RestoreResult> RestoreAsync(JobStep at, RestoreOptions how, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(
            new RestoreRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Options = how },
            AgentJson.Default.RestoreResult, null, null, cancellationToken);

    /// <inheritdoc cref="RestoreArchiveRequest"/>
    public Task<RestoreArchiveResult> RestoreArchiveAsync(JobStep at, RestoreArchiveOptions how, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(
            new RestoreArchiveRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Options = how },
            AgentJson.Default.RestoreArchiveResult, null, null, cancellationToken);

    /// <inheritdoc cref="TouchRequest"/>
    /// <exception cref="ArgumentOutOfRangeException">More ranges than <see cref="TouchRequest.MaxRanges"/>.</exception>
    public Task<TouchResult> TouchAsync(JobStep at, GuestPid process, ReadOnlyMemory<PageRange> ranges, TimeSpan deadline, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ranges.Length, TouchRequest.MaxRanges);
        return CallAsync(
            new TouchRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Process = process },
            AgentJson.Default.TouchResult,
            async (data, cancel) =>
            {
                const int perFrame = FrameHeader.MaxPayload / PageRange.WireSize;
                byte[] part = new byte[Math.Min(perFrame, Math.Max(1, ranges.Length)) * PageRange.WireSize];
                for (int first = 0; first < ranges.Length; first += perFrame)
                {
                    ReadOnlyMemory<PageRange> some = ranges.Slice(first, Math.Min(perFrame, ranges.Length - first));
                    for (int i = 0; i < some.Length; i++)
                        some.Span[i].Write(part.AsSpan(i * PageRange.WireSize));
                    await data.WriteAsync(part.AsMemory(0, some.Length * PageRange.WireSize), cancel);
                }
            },
            null, cancellationToken);
    }

    /// <inheritdoc cref="FreezeRequest"/>
    public Task<FreezerResult> FreezeAsync(JobStep at, string? cgroup, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(new FreezeRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Cgroup = cgroup }, AgentJson.Default.FreezerResult, null, null, cancellationToken);

    /// <inheritdoc cref="ThawRequest"/>
    public Task<FreezerResult> ThawAsync(JobStep at, string? cgroup, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(new ThawRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Cgroup = cgroup }, AgentJson.Default.FreezerResult, null, null, cancellationToken);

    /// <inheritdoc cref="KillRequest"/>
    public Task<KillResult> KillAsync(JobStep at, string cgroup, GuestPid process, int signal, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(
            new KillRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Cgroup = cgroup, Process = process, Signal = signal },
            AgentJson.Default.KillResult, null, null, cancellationToken);

    /// <inheritdoc cref="StopRequest"/>
    public Task<StopResult> StopAsync(JobStep at, EngineContainer target, int? signal, int? seconds, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(
            new StopRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Target = target, Signal = signal, Seconds = seconds },
            AgentJson.Default.StopResult, null, null, cancellationToken);

    /// <inheritdoc cref="ExecStartRequest"/>
    public Task<ExecStartResult> ExecStartAsync(ExecId exec, EngineContainer target, ExecCommand command, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(
            new ExecStartRequest { DeadlineMilliseconds = Milliseconds(deadline), Exec = exec, Target = target, Command = command },
            AgentJson.Default.ExecStartResult, null, null, cancellationToken);

    /// <inheritdoc cref="ExecReadRequest"/>
    /// <returns>What it has written, at most <see cref="ExecReadRequest.MaxBytes"/>; its exit code once all of it was read.</returns>
    public async Task<(IReadOnlyList<(bool IsError, ReadOnlyMemory<byte> Bytes)> Written, int? ExitCode)> ExecReadAsync(
        ExecId exec, TimeSpan wait, TimeSpan deadline, CancellationToken cancellationToken = default)
    {
        using MemoryStream bytes = new();
        ExecReadResult result = await CallAsync(
            new ExecReadRequest { DeadlineMilliseconds = Milliseconds(deadline), Exec = exec, WaitMilliseconds = Milliseconds(wait) },
            AgentJson.Default.ExecReadResult,
            null,
            part =>
            {
                // The guest is not trusted to bound what it sends.
                if (bytes.Length + part.Length > ExecReadRequest.MaxBytes)
                    throw new FormatException($"The agent sent more than {ExecReadRequest.MaxBytes} bytes of a command's output at once.");
                bytes.Write(part.Span);
            },
            cancellationToken);
        List<(bool, ReadOnlyMemory<byte>)> written = [];
        ReadOnlyMemory<byte> left = bytes.ToArray();
        foreach (ExecPart part in result.Parts)
        {
            if (part.Length < 0 || part.Length > left.Length)
                throw new AgentException(new AgentError(AgentErrorCode.CorruptData, "The agent says that a command wrote more than it has sent."));
            written.Add((part.IsError, left[..part.Length]));
            left = left[part.Length..];
        }
        return (written, result.ExitCode);
    }

    /// <inheritdoc cref="ExecWriteRequest"/>
    /// <param name="exec">Which command.</param>
    /// <param name="bytes">At most <see cref="ExecWriteRequest.MaxBytes"/>.</param>
    /// <param name="isLast">Its standard input ends after them.</param>
    /// <param name="wait">How long the command may take its time.</param>
    /// <param name="deadline">For all of it.</param>
    /// <param name="cancellationToken">Stops the waiting.</param>
    public Task<ExecWriteResult> ExecWriteAsync(ExecId exec, ReadOnlyMemory<byte> bytes, bool isLast, TimeSpan wait, TimeSpan deadline, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, ExecWriteRequest.MaxBytes);
        return CallAsync(
            new ExecWriteRequest { DeadlineMilliseconds = Milliseconds(deadline), Exec = exec, Length = bytes.Length, IsLast = isLast, WaitMilliseconds = Milliseconds(wait) },
            AgentJson.Default.ExecWriteResult,
            (data, cancel) => data.WriteAsync(bytes, cancel).AsTask(),
            null, cancellationToken);
    }

    /// <inheritdoc cref="ExecEndRequest"/>
    public Task<ExecEndResult> ExecEndAsync(ExecId exec, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(new ExecEndRequest { DeadlineMilliseconds = Milliseconds(deadline), Exec = exec }, AgentJson.Default.ExecEndResult, null, null, cancellationToken);

    /// <inheritdoc cref="DestroyRequest"/>
    public Task<DestroyResult> DestroyAsync(JobStep at, ContainerId? container, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(new DestroyRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Container = container }, AgentJson.Default.DestroyResult, null, null, cancellationToken);

    /// <inheritdoc cref="ReleaseRequest"/>
    public Task<ReleaseResult> ReleaseAsync(JobStep at, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(new ReleaseRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline) }, AgentJson.Default.ReleaseResult, null, null, cancellationToken);

    /// <inheritdoc cref="RemoveManagedRequest"/>
    public Task<RemoveManagedResult> RemoveManagedAsync(JobStep at, ManagedContainer container, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(new RemoveManagedRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Managed = container }, AgentJson.Default.RemoveManagedResult, null, null, cancellationToken);

    /// <inheritdoc cref="StatusRequest"/>
    public Task<JobStatus> StatusAsync(JobStep at, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(new StatusRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline) }, AgentJson.Default.JobStatus, null, null, cancellationToken);

    /// <inheritdoc cref="SyncRequest"/>
    public Task<SyncResult> SyncAsync(JobStep at, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(new SyncRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline) }, AgentJson.Default.SyncResult, null, null, cancellationToken);

    /// <inheritdoc cref="SetClockRequest"/>
    public Task<SetClockResult> SetClockAsync(JobStep at, DateTimeOffset now, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(
            new SetClockRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), UnixNanoseconds = (now - DateTimeOffset.UnixEpoch).Ticks * 100 },
            AgentJson.Default.SetClockResult, null, null, cancellationToken);

    /// <inheritdoc cref="LoopbackUpRequest"/>
    public Task<LoopbackUpResult> LoopbackUpAsync(JobStep at, GuestPid? process, TimeSpan deadline, CancellationToken cancellationToken = default) =>
        CallAsync(new LoopbackUpRequest { Job = at.Job, Epoch = at.Epoch, Step = at.Step, DeadlineMilliseconds = Milliseconds(deadline), Process = process }, AgentJson.Default.LoopbackUpResult, null, null, cancellationToken);

    private static async Task SendAsync(Stream content, long length, DataWriter data, CancellationToken cancellationToken)
    {
        byte[] part = new byte[FrameHeader.MaxPayload];
        for (long left = length; left > 0;)
        {
            int read = await content.ReadAtLeastAsync(part.AsMemory(0, (int)Math.Min(left, part.Length)), 1, throwOnEndOfStream: true, cancellationToken);
            await data.WriteAsync(part.AsMemory(0, read), cancellationToken);
            left -= read;
        }
    }

    private static int Milliseconds(TimeSpan deadline) => (int)Math.Clamp(deadline.TotalMilliseconds, 1, int.MaxValue);
}
