using System.Net.Sockets;
using Watari.GuestAgent.Channel;
using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Agent;

/// <summary>The agent's own server and the host's own client at the two ends of a socket pair.</summary>
public sealed class AgentServerTests : IAsyncDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private readonly AgentFolder folder = new();
    private readonly GuestFacts facts = new();
    private readonly Socket guest;
    private readonly Stream host;
    private Running server;

    public AgentServerTests()
    {
        string path = Path.Combine(Path.GetTempPath(), $"watari-{Guid.NewGuid():n}.sock");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        Socket connecting = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        connecting.Connect(new UnixDomainSocketEndPoint(path));
        guest = listener.Accept();
        guest.Blocking = false;
        host = new NetworkStream(connecting, ownsSocket: true);
        File.Delete(path);
        server = new Running(guest, folder, facts);
    }

    [Fact]
    public async Task A_host_is_welcomed_with_what_the_guest_is()
    {
        await using GuestAgentClient client = await OpenAsync();
        Assert.Equal(File.ReadAllText("/proc/sys/kernel/osrelease").Trim(), client.Agent.KernelRelease);
        Assert.Equal(Environment.ProcessorCount, client.Agent.Vcpus);
        Assert.True(client.Agent.MemoryAvailable > 0);
        Assert.Contains("restore", client.Agent.Features);
        Assert.NotEmpty(client.Agent.CpuFlags);
    }

    [Fact]
    public async Task A_signal_is_for_a_process_of_the_named_cgroup_alone()
    {
        await using GuestAgentClient client = await OpenAsync();

        AgentException refused = await Assert.ThrowsAsync<AgentException>(
            () => client.KillAsync(At("a", 1), "/watari-test-redis", new GuestPid(Environment.ProcessId), 15, Long, TestContext.Current.CancellationToken));
        Assert.Equal(AgentErrorCode.NoSuchProcess, refused.Code);
        refused = await Assert.ThrowsAsync<AgentException>(() => client.KillAsync(At("a", 1), "/watari-test-redis", new GuestPid(1), 65, Long, TestContext.Current.CancellationToken));
        Assert.Equal(AgentErrorCode.BadRequest, refused.Code);
    }

    [Fact]
    public async Task A_command_that_the_agent_does_not_know_is_said_to_be_over()
    {
        await using GuestAgentClient client = await OpenAsync();
        ExecId exec = new(Guid.NewGuid());

        Assert.Equal(AgentErrorCode.Interrupted, (await Assert.ThrowsAsync<AgentException>(() => client.ExecReadAsync(exec, Long, Long, TestContext.Current.CancellationToken))).Code);
        Assert.Equal(AgentErrorCode.Interrupted, (await Assert.ThrowsAsync<AgentException>(() => client.ExecWriteAsync(exec, new byte[10], false, Long, Long, TestContext.Current.CancellationToken))).Code);
        Assert.False((await client.ExecEndAsync(exec, Long, TestContext.Current.CancellationToken)).WasRunning);
    }

    [Fact]
    public async Task A_stop_that_cannot_be_is_refused_before_anything_is_touched()
    {
        folder.Prepared("a", "redis");
        await using GuestAgentClient client = await OpenAsync();
        EngineContainer redis = new(ContainerEngine.Runc, ContainerId.Parse("redis"));

        Assert.Equal(AgentErrorCode.ForeignContainer, (await Assert.ThrowsAsync<AgentException>(() => client.StopAsync(At("b", 1), redis, null, null, Long, TestContext.Current.CancellationToken))).Code);
        Assert.Equal(AgentErrorCode.BadRequest, (await Assert.ThrowsAsync<AgentException>(() => client.StopAsync(At("a", 1), redis, 65, null, Long, TestContext.Current.CancellationToken))).Code);
        Assert.Equal(AgentErrorCode.NoSuchProcess, (await Assert.ThrowsAsync<AgentException>(() => client.StopAsync(At("a", 1), redis, null, null, Long, TestContext.Current.CancellationToken))).Code);
    }

    [Fact]
    public async Task Half_a_frame_of_a_host_before_does_not_hold_up_the_next_one()
    {
        byte[] whole = new byte[FrameHeader.MaxFrame];
        FrameHeader.WriteFrame(whole, FrameKind.Request, 1, 42, new byte[FrameHeader.MaxPayload]);
        await host.WriteAsync(whole.AsMemory(0, 1000), TestContext.Current.CancellationToken);
        await using GuestAgentClient client = await OpenAsync();
        Assert.Equal(JobPhase.Absent, (await client.StatusAsync(At("a", 1), Long, TestContext.Current.CancellationToken)).Phase);
    }

    [Fact]
    public async Task An_image_set_arrives_as_it_was_sent_and_goes_with_the_job()
    {
        folder.Prepared("a");
        string images = Directory.CreateTempSubdirectory("watari-images-").FullName;
        byte[] pages = new byte[(3 * FrameHeader.MaxPayload) + 5];
        new Random(3).NextBytes(pages);
        await File.WriteAllBytesAsync(images + "/pages-1.img", pages, TestContext.Current.CancellationToken);
        for (int i = 0; i < 40; i++)
            await File.WriteAllTextAsync($"{images}/core-{i}.img", "core " + i, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(images + "/empty.img", "", TestContext.Current.CancellationToken);

        await using GuestAgentClient client = await OpenAsync();
        await client.PutImagesAsync(At("a", 1), images, Long, TestContext.Current.CancellationToken);

        string there = folder.Paths.Of(JobId.Parse("a")).Images;
        Assert.Equal(42, Directory.GetFiles(there).Length);
        Assert.Equal(pages, await File.ReadAllBytesAsync(there + "/pages-1.img", TestContext.Current.CancellationToken));
        JobStatus status = await client.StatusAsync(At("a", 1), Long, TestContext.Current.CancellationToken);
        Assert.Equal((JobPhase.Prepared, 42), (status.Phase, status.Images.Count));

        DestroyResult destroyed = await client.DestroyAsync(At("a", 1), null, Long, TestContext.Current.CancellationToken);
        Assert.Contains(destroyed.Removed, what => what.StartsWith("work directory", StringComparison.Ordinal));
        Assert.Empty((await client.DestroyAsync(At("a", 1), null, Long, TestContext.Current.CancellationToken)).Removed);
        Assert.Empty(Directory.GetDirectories(folder.Paths.Jobs));
        Directory.Delete(images, recursive: true);
    }

    [Fact]
    public async Task An_old_owner_is_refused_even_after_the_job_is_gone()
    {
        folder.Prepared("a");
        await using GuestAgentClient client = await OpenAsync();
        await client.DestroyAsync(At("a", 7), null, Long, TestContext.Current.CancellationToken);
        AgentException refused = await Assert.ThrowsAsync<AgentException>(() => client.PrepareAsync(At("a", 6), null, null, 1, Long, TestContext.Current.CancellationToken));
        Assert.Equal(AgentErrorCode.StaleEpoch, refused.Code);
    }

    [Theory]
    [InlineData("put")]
    [InlineData("restore")]
    [InlineData("thaw")]
    [InlineData("touch")]
    [InlineData("zone")]
    [InlineData("loopback")]
    public async Task What_needs_a_job_is_refused_without_one(string what)
    {
        await using GuestAgentClient client = await OpenAsync();
        JobStep at = At("nobody", 1);
        Func<Task> call = what switch
        {
            "put" => () => client.PutImageAsync(at, ImageName.Parse("a.img"), new MemoryStream([1]), Long),
            "restore" => () => client.RestoreAsync(at, new RestoreOptions(), Long),
            "thaw" => () => client.ThawAsync(at, null, Long),
            "touch" => () => client.TouchAsync(at, new GuestPid(1), new PageRange[] { new(0x1000, 1) }, Long),
            "zone" => () => client.LandingZoneAsync(at, ImageName.Parse("pages-1.img"), 4096, Long),
            _ => () => client.LoopbackUpAsync(at, null, Long),
        };
        AgentException refused = await Assert.ThrowsAsync<AgentException>(call);
        Assert.Contains(refused.Code, (AgentErrorCode[])[AgentErrorCode.UnknownJob, AgentErrorCode.NoSuchProcess]);
    }

    [Fact]
    public async Task More_memory_than_there_is_is_refused_before_anything_is_made()
    {
        await using GuestAgentClient client = await OpenAsync();
        AgentException refused = await Assert.ThrowsAsync<AgentException>(() => client.PrepareAsync(At("a", 1), null, null, long.MaxValue, Long, TestContext.Current.CancellationToken));
        Assert.Equal(AgentErrorCode.NotEnoughMemory, refused.Code);
        Assert.Empty(Directory.GetDirectories(folder.Paths.Jobs));
    }

    [Fact]
    public async Task Pages_of_a_process_that_is_not_the_jobs_are_not_touched()
    {
        folder.Prepared("a", "redis");
        await using GuestAgentClient client = await OpenAsync();
        AgentException refused = await Assert.ThrowsAsync<AgentException>(() => client.TouchAsync(At("a", 1), new GuestPid(Environment.ProcessId), new PageRange[] { new(0x1000, 1) }, Long, TestContext.Current.CancellationToken));
        Assert.Contains(refused.Code, (AgentErrorCode[])[AgentErrorCode.ForeignContainer, AgentErrorCode.NoSuchProcess]);
    }

    [Fact]
    public async Task A_container_of_one_job_is_not_destroyed_by_another()
    {
        folder.Prepared("a", "redis");
        await using GuestAgentClient client = await OpenAsync();
        AgentException refused = await Assert.ThrowsAsync<AgentException>(() => client.DestroyAsync(At("b", 1), ContainerId.Parse("redis"), Long, TestContext.Current.CancellationToken));
        Assert.Equal(AgentErrorCode.ForeignContainer, refused.Code);
        refused = await Assert.ThrowsAsync<AgentException>(() => client.FreezeAsync(At("b", 1), "/watari-test-redis", Long, TestContext.Current.CancellationToken));
        Assert.Equal(AgentErrorCode.ForeignContainer, refused.Code);
        Assert.Equal(JobPhase.Prepared, (await client.StatusAsync(At("a", 1), Long, TestContext.Current.CancellationToken)).Phase);
    }

    [Fact]
    public async Task A_restore_that_a_dead_agent_had_begun_is_broken_and_not_begun_again()
    {
        folder.Store.Save(folder.Prepared("a", "redis") with { Phase = JobPhase.Restoring, Restore = new Jobs.StepMark(new FencingEpoch(1), "restore") });
        await using GuestAgentClient client = await OpenAsync();
        Assert.Equal(JobPhase.Broken, (await client.StatusAsync(At("a", 1), Long, TestContext.Current.CancellationToken)).Phase);
        AgentException refused = await Assert.ThrowsAsync<AgentException>(() => client.RestoreAsync(At("a", 1, "restore"), new RestoreOptions(), Long, TestContext.Current.CancellationToken));
        Assert.Equal(AgentErrorCode.Interrupted, refused.Code);
    }

    [Fact]
    public async Task A_step_that_was_done_is_answered_with_its_first_result()
    {
        RestoreResult done = new()
        {
            Init = new GuestPid(77),
            Processes = [new ProcessPids(new GuestPid(77), new ContainerPid(1))],
            Cgroup = "/watari-test-redis",
            Timings = new RestoreTimings { Total = 1, Runtime = 2, Criu = 3, Freeze = 4, Forking = 5, Restore = 6, PagesRestored = 7 },
        };
        folder.Store.Save(folder.Prepared("a", "redis") with { Phase = JobPhase.Restored, Restore = new Jobs.StepMark(new FencingEpoch(1), "restore"), Result = done });
        await using GuestAgentClient client = await OpenAsync();
        RestoreResult again = await client.RestoreAsync(At("a", 1, "restore"), new RestoreOptions(), Long, TestContext.Current.CancellationToken);
        Assert.Equal((done.Init, done.Timings), (again.Init, again.Timings));
        Assert.Equal(AgentErrorCode.Interrupted, (await Assert.ThrowsAsync<AgentException>(() => client.RestoreAsync(At("a", 1, "restore-2"), new RestoreOptions(), Long, TestContext.Current.CancellationToken))).Code);

        Assert.Equal(ContainerId.Parse("redis"), (await client.ReleaseAsync(At("a", 1), Long, TestContext.Current.CancellationToken)).Released);
        Assert.Equal(JobPhase.Absent, (await client.StatusAsync(At("a", 1), Long, TestContext.Current.CancellationToken)).Phase);
    }

    [Fact]
    public async Task A_host_that_waits_is_told_when_the_agent_has_died_and_started_again()
    {
        await using GuestAgentClient client = await OpenAsync();
        await server.DisposeAsync();
        Task<JobStatus> waiting = client.StatusAsync(At("a", 1), Long, TestContext.Current.CancellationToken);
        server = new Running(guest, folder, facts);
        Assert.Equal(AgentLostReason.Restarted, (await Assert.ThrowsAsync<AgentLostException>(() => waiting)).Reason);
    }

    [Fact]
    public async Task Bytes_that_are_not_those_that_were_sent_leave_no_image_behind()
    {
        folder.Prepared("a");
        await using (GuestAgentClient client = await OpenAsync())
        {
            // A stream that says it is longer than it is.
            await Assert.ThrowsAsync<EndOfStreamException>(() => client.PutImageAsync(At("a", 1), ImageName.Parse("pages-1.img"), new ShortStream(), Long, TestContext.Current.CancellationToken));
        }
        await using GuestAgentClient next = await OpenAsync();
        Assert.Empty((await next.StatusAsync(At("a", 1), Long, TestContext.Current.CancellationToken)).Images);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        guest.Dispose();
        await host.DisposeAsync();
        folder.Dispose();
    }

    private static JobStep At(string job, ulong epoch, string step = "step") => new(JobId.Parse(job), new FencingEpoch(epoch), step);

    private Task<GuestAgentClient> OpenAsync() => GuestAgentClient.OpenAsync(new Unowned(host), cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>One life of an agent at the guest's end.</summary>
    private sealed class Running : IAsyncDisposable
    {
        private readonly Port port;
        private readonly Task serving;

        public Running(Socket guest, AgentFolder folder, GuestFacts facts)
        {
            // A descriptor of its own, as an agent that starts opens the port anew.
            const int F_DUPFD_CLOEXEC = 1030;
            port = new Port(new KernelFile(Libc.fcntl((int)guest.Handle, F_DUPFD_CLOEXEC, 0)));
            serving = Task.Factory.StartNew(() =>
            {
                using AgentServer agent = new(port, folder.Paths, facts);
                agent.Run();
            }, TaskCreationOptions.LongRunning);
        }

        public async ValueTask DisposeAsync()
        {
            port.Stop();
            await serving;
            port.Dispose();
        }
    }

    /// <summary>Says 10 bytes, has 4.</summary>
    private sealed class ShortStream() : MemoryStream([1, 2, 3, 4])
    {
        public override long Length => 10;
    }

    /// <summary>The host's end outlives its client, as QEMU's socket outlives a silo.</summary>
    private sealed class Unowned(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);
    }
}
