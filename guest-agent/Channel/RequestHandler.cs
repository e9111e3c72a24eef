using System.Diagnostics;
using Watari.GuestAgent.Cgroups;
using Watari.GuestAgent.Engines;
using Watari.GuestAgent.Execs;
using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Memory;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Channel;

/// <summary>From a request to its result.</summary>
internal sealed class RequestHandler(AgentPaths paths, JobStore store, GuestFacts facts) : IDisposable
{
    private readonly JobCommands commands = new(paths, store, facts);
    private readonly ExecSessions execs = new(paths, new EnginePrograms(facts));

    /// <summary>The requests that need nothing but themselves.</summary>
    public object Handle(AgentRequest request, Deadline deadline) => request switch
    {
        DescribeRequest => Describe(),
        CheckManagedRequest check => commands.CheckManaged(check, deadline),
        PrepareRequest prepare => commands.Prepare(prepare, deadline),
        RestoreRequest restore => commands.Restore(restore, deadline),
        RestoreArchiveRequest restore => commands.RestoreArchive(restore, deadline),
        FreezeRequest freeze => Freeze(commands.CgroupOf(freeze.Job, freeze.Cgroup), deadline),
        ThawRequest thaw => Thaw(commands.CgroupOf(thaw.Job, thaw.Cgroup), deadline),
        KillRequest kill => commands.Kill(kill),
        RemoveManagedRequest remove => commands.RemoveManaged(remove, deadline),
        StopRequest stop => commands.Stop(stop, deadline),
        ExecStartRequest start => execs.Start(start),
        ExecEndRequest end => execs.End(end, deadline),
        ReleaseRequest release => commands.Release(release, deadline),
        SyncRequest => Sync(),
        SetClockRequest clock => new SetClockResult(WallClock.Set(clock.UnixNanoseconds)),
        LoopbackUpRequest loopback => commands.LoopbackUp(loopback),
        _ => throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"This agent does not know {request.GetType().Name}.")),
    };

    public ImageUpload OpenImage(PutImageRequest request, Deadline deadline)
    {
        KernelFile file = commands.OpenImage(request);
        return new ImageUpload(file, request.Length, () => commands.DropImage(request), deadline);
    }

    public static object FinishImage(PutImageRequest request, ImageUpload file)
    {
        file.Dispose();
        return new PutImageResult(request.Length);
    }

    public ImageUpload OpenArchive(PutArchiveRequest request, Deadline deadline)
    {
        KernelFile file = commands.OpenArchive(request);
        return new ImageUpload(file, request.Length, () => commands.DropArchive(request), deadline);
    }

    public static object FinishArchive(PutArchiveRequest request, ImageUpload file)
    {
        file.Dispose();
        return new PutArchiveResult(request.Length);
    }

    public ImageUpload OpenChanges(FillVolumesRequest request, Deadline deadline)
    {
        KernelFile file = commands.OpenChanges(request);
        return new ImageUpload(file, request.Length, () => commands.DropChanges(request), deadline);
    }

    public object FillVolumes(FillVolumesRequest request, ImageUpload file, Deadline deadline)
    {
        file.Dispose();
        return commands.FillVolumes(request, deadline);
    }

    public object Touch(TouchRequest request, IReadOnlyList<PageRange> ranges, Deadline deadline) => commands.Touch(request, ranges, deadline);

    public object LandingZone(LandingZoneRequest request, DataSender data)
    {
        LandingZone zone = commands.MakeLandingZone(request);
        long pages = 0;
        int runs = 0;
        zone.ForEachRun(run =>
        {
            run.Write(data.Next(LandingRun.WireSize));
            pages += (long)run.Pages;
            runs++;
        });
        data.End();
        return new LandingZoneResult(pages, runs, zone.Pinned);
    }

    /// <param name="request">Which command.</param>
    /// <param name="open">Sends what it has written; not called where that is nothing.</param>
    /// <param name="deadline">Ends the waiting.</param>
    public object ExecRead(ExecReadRequest request, Func<DataSender> open, Deadline deadline)
    {
        ExecPiece piece = execs.Read(request, deadline);
        if (!piece.Bytes.IsEmpty)
        {
            DataSender data = open();
            piece.Bytes.Span.CopyTo(data.Next(piece.Bytes.Length));
            data.End();
        }
        return piece.Result;
    }

    public object ExecWrite(ExecWriteRequest request, ReadOnlyMemory<byte> bytes, Deadline deadline) => execs.Write(request, bytes.Span, deadline);

    public object Destroy(DestroyRequest request, Deadline deadline) => commands.Destroy(request, deadline);

    public object Status(StatusRequest request, FencingEpoch epoch, bool busy) => commands.Status(request.Job, epoch, busy);

    public void Dispose()
    {
        execs.Dispose();
        commands.Dispose();
    }

    private GuestDescription Describe()
    {
        const int most = 256;
        return new GuestDescription
        {
            Agent = facts.Hello(),
            MemoryFree = GuestFacts.MemoryFree,
            Containers = RuncState.All(id => store.HolderOf(id, null, default)),
            Bundles = BundleFiles.All(),
            Jobs = [.. store.All().Take(most)],
        };
    }

    private static FreezerResult Freeze(Cgroup cgroup, Deadline deadline)
    {
        long started = Stopwatch.GetTimestamp();
        cgroup.Freeze(deadline);
        return new FreezerResult(cgroup.Path, cgroup.Frozen, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }

    private static FreezerResult Thaw(Cgroup cgroup, Deadline deadline)
    {
        long started = Stopwatch.GetTimestamp();
        cgroup.Thaw(deadline);
        return new FreezerResult(cgroup.Path, cgroup.Frozen, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }

    private static SyncResult Sync()
    {
        long started = Stopwatch.GetTimestamp();
        Libc.sync();
        return new SyncResult(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }
}
