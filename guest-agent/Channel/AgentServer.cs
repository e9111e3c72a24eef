using System.Text.Json;
using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Channel;

/// <summary>
/// Reads requests from the port and answers them. One thread reads, checks fence and gate, and takes
/// data; each request then runs on a thread of its own, so a long restore keeps nobody from asking
/// for the status or destroying the job. What a lost session had begun goes on; its successor finds
/// it by the status.
/// </summary>
internal sealed class AgentServer(Port port, AgentPaths paths, GuestFacts facts) : IDisposable
{
    private const int MostAtOnce = 32;
    private const int StackSize = 512 * 1024;
    private const string SessionEnded = "The session ended before the data had arrived.";

    private readonly FrameWriter writer = new(port);
    private readonly FrameParser parser = new();
    private readonly Dictionary<uint, AwaitedUpload> uploads = [];
    private readonly Fence fence = new(paths);
    private readonly JobGate gate = new();
    private readonly RequestHandler handler = new(paths, new JobStore(paths), facts);
    private int running;

    /// <summary>Serves until the port is stopped.</summary>
    public void Run()
    {
        Announce();
        while (true)
        {
            while (parser.TryRead(out FrameHeader header, out ReadOnlyMemory<byte> payload))
                Take(header, payload.Span);
            int read = port.Read(parser.Free.Span);
            if (read == 0)
                return;
            parser.Advance(read);
        }
    }

    public void Dispose()
    {
        DropUploads(null, SessionEnded);
        handler.Dispose();
    }

    // A host that was connected to a dead predecessor learns at once that what it waits for will not come.
    private void Announce()
    {
        if (port.Writable)
            writer.Greet(FrameKind.Started, facts.Hello());
    }

    private void Take(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Kind == FrameKind.Hello)
        {
            DropUploads(null, SessionEnded);
            writer.Session = header.Session;
            AgentLog.Write($"session {header.Session:x16} begins: {Names(payload)}");
            writer.Greet(FrameKind.Welcome, facts.Hello());
            return;
        }
        if (header.Session != writer.Session)
        {
            if (writer.Session == 0 && header.Kind == FrameKind.Request)
                Announce();
            return;
        }
        switch (header.Kind)
        {
            case FrameKind.Request:
                Begin(header.Request, payload);
                break;
            case FrameKind.Data when uploads.TryGetValue(header.Request, out AwaitedUpload? upload):
                try
                {
                    upload.Data.Append(payload);
                }
                catch (Exception bad) when (bad is AgentException or KernelException)
                {
                    DropUpload(header.Request);
                    upload.Failed(bad);
                }
                break;
            case FrameKind.DataEnd when uploads.Remove(header.Request, out AwaitedUpload? whole):
                try
                {
                    whole.Data.End(payload);
                    whole.Done();
                }
                catch (Exception bad) when (bad is AgentException or KernelException)
                {
                    whole.Data.Dispose();
                    whole.Failed(bad);
                }
                break;
        }
    }

    private void Begin(uint number, ReadOnlySpan<byte> payload)
    {
        ulong session = writer.Session;
        AgentRequest? request = null;
        JobGate.Visit? visit = null;
        try
        {
            request = Read(payload);
            if (request is JobRequest { At: { } at } owned and not StatusRequest)
            {
                if (!JobId.TryParse(at.Step, out _))
                    throw new AgentException(new AgentError(AgentErrorCode.BadRequest, "A step's name is plain: 1 to 64 of [A-Za-z0-9._-]."));
                fence.Pass(at);
                visit = owned switch
                {
                    PrepareRequest or FillVolumesRequest or RestoreRequest or RestoreArchiveRequest or ReleaseRequest or RemoveManagedRequest => gate.EnterAlone(at),
                    DestroyRequest => null,
                    _ => gate.EnterShared(at),
                };
            }
            JobGate.Visit? here = visit;
            Deadline deadline = Deadline.After(request.DeadlineMilliseconds, here?.Bell);
            Answer answer = new(this, number, session, request, here);
            switch (request)
            {
                case PutImageRequest image:
                    ImageUpload file = handler.OpenImage(image, deadline);
                    Await(number, file, () => answer.Run(() => RequestHandler.FinishImage(image, file)), answer.Fail, image.Job);
                    break;
                case PutArchiveRequest archive:
                    ImageUpload tar = handler.OpenArchive(archive, deadline);
                    Await(number, tar, () => answer.Run(() => RequestHandler.FinishArchive(archive, tar)), answer.Fail, archive.Job);
                    break;
                case FillVolumesRequest fill:
                    ImageUpload changes = handler.OpenChanges(fill, deadline);
                    Await(number, changes, () => answer.Run(() => handler.FillVolumes(fill, changes, deadline)), answer.Fail, fill.Job);
                    break;
                case TouchRequest touch:
                    RangesUpload ranges = new(deadline);
                    Await(number, ranges, () => answer.Run(() => handler.Touch(touch, ranges.Ranges, deadline)), answer.Fail, touch.Job);
                    break;
                case ExecReadRequest read:
                    answer.Run(() => handler.ExecRead(read, () => new DataSender(writer, number, session), deadline));
                    break;
                case ExecWriteRequest write:
                    InputUpload input = new(write.Length, deadline);
                    Await(number, input, () => answer.Run(() => handler.ExecWrite(write, input.Bytes, deadline)), answer.Fail);
                    break;
                case DestroyRequest destroy:
                    // Whoever sent them may be gone: nobody waits for the rest of what can take minutes.
                    DropUploads(destroy.Job, "The job was destroyed before the data had arrived.");
                    answer.Run(() =>
                    {
                        using JobGate.Visit alone = gate.Evict(destroy.At, deadline);
                        return handler.Destroy(destroy, deadline);
                    });
                    break;
                case StatusRequest status:
                    answer.Run(() => handler.Status(status, fence.Highest(status.Job), gate.IsBusy(status.Job)));
                    break;
                case LandingZoneRequest zone:
                    answer.Run(() => handler.LandingZone(zone, new DataSender(writer, number, session)));
                    break;
                default:
                    answer.Run(() => handler.Handle(request, deadline));
                    break;
            }
        }
        catch (Exception refused) when (refused is AgentException or KernelException or IOException or UnauthorizedAccessException)
        {
            visit?.Dispose();
            Refuse(number, session, request, refused);
        }
    }

    private void Await(uint number, Upload data, Action done, Action<Exception> failed, JobId? job = null)
    {
        foreach ((uint late, AwaitedUpload upload) in uploads.Where(u => u.Value.Data.Deadline.Passed).ToList())
        {
            DropUpload(late);
            upload.Failed(new AgentException(new AgentError(AgentErrorCode.DeadlineExceeded, "The deadline passed while data were awaited.")));
        }
        if (uploads.Count >= MostAtOnce)
        {
            data.Dispose();
            throw new AgentException(new AgentError(AgentErrorCode.Busy, $"{MostAtOnce} uploads are under way already: wait for one to end."));
        }
        uploads[number] = new AwaitedUpload(data, done, failed, job);
    }

    private void DropUpload(uint number)
    {
        if (uploads.Remove(number, out AwaitedUpload? upload))
            upload.Data.Dispose();
    }

    /// <param name="job">Whose; null: all.</param>
    /// <param name="why">What is said of each.</param>
    private void DropUploads(JobId? job, string why)
    {
        foreach ((uint number, AwaitedUpload upload) in uploads.Where(one => job is null || one.Value.Job == job).ToList())
        {
            DropUpload(number);
            upload.Failed(new AgentException(new AgentError(AgentErrorCode.Interrupted, why)));
        }
    }

    private void Refuse(uint number, ulong session, AgentRequest? request, Exception why)
    {
        AgentError error = why is AgentException typed ? new AgentError(typed.Code, typed.Message, typed.LogTail) : new AgentError(AgentErrorCode.Internal, why.Message);
        AgentLog.Write($"{Describe(request)} refused: {error.Code} {error.Message}");
        writer.SendJson(FrameKind.Error, number, session, error, AgentJson.Default.AgentError);
    }

    private static AgentRequest Read(ReadOnlySpan<byte> payload)
    {
        try
        {
            AgentRequest request = JsonSerializer.Deserialize(payload, AgentJson.Default.AgentRequest) ?? throw new JsonException("null");
            return request.DeadlineMilliseconds > 0 ? request : throw new JsonException("deadlineMilliseconds is not positive");
        }
        catch (Exception unreadable) when (unreadable is JsonException or NotSupportedException)
        {
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"The request cannot be read: {unreadable.Message}"));
        }
    }

    private static string Names(ReadOnlySpan<byte> payload)
    {
        try
        {
            return JsonSerializer.Deserialize(payload, AgentJson.Default.HostHello) is { } hello ? $"{hello.Client}, protocol {hello.Protocol}" : "nobody";
        }
        catch (JsonException)
        {
            return "a host of another protocol";
        }
    }

    private static string Describe(AgentRequest? request) =>
        request is JobRequest job ? $"{request.GetType().Name} {job.Job} epoch {job.Epoch} step {job.Step}" : request?.GetType().Name ?? "a request";

    /// <param name="Data">Takes what comes.</param>
    /// <param name="Done">When all has come.</param>
    /// <param name="Failed">When no more is taken.</param>
    /// <param name="Job">Whose; null: no job's.</param>
    private sealed record AwaitedUpload(Upload Data, Action Done, Action<Exception> Failed, JobId? Job);

    /// <summary>How one request is answered, once, whichever way it ends.</summary>
    private sealed class Answer(AgentServer server, uint number, ulong session, AgentRequest request, JobGate.Visit? visit)
    {
        public void Run(Func<object> work)
        {
            if (Interlocked.Increment(ref server.running) > MostAtOnce)
            {
                Interlocked.Decrement(ref server.running);
                throw new AgentException(new AgentError(AgentErrorCode.Busy, $"{MostAtOnce} requests are under way already: wait for one to end."));
            }
            new Thread(() => Work(work), StackSize) { IsBackground = true }.Start();
        }

        public void Fail(Exception why)
        {
            visit?.Dispose();
            server.Refuse(number, session, request, why);
        }

        private void Work(Func<object> work)
        {
            long started = Deadline.Now;
            try
            {
                object result = work();
                // The next command of the host may come as soon as it has this answer.
                visit?.Dispose();
                // A command's output is asked for again and again.
                if (request is not (ExecReadRequest or ExecWriteRequest))
                    AgentLog.Write($"{Describe(request)} done in {Deadline.Now - started} ms");
                server.writer.Send(FrameKind.Response, number, session, JsonSerializer.SerializeToUtf8Bytes(result, AgentJson.Default.GetTypeInfo(result.GetType())!));
            }
            catch (Exception failed)
            {
                Fail(failed);
            }
            finally
            {
                Interlocked.Decrement(ref server.running);
            }
        }
    }
}
