using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Protocol;

/// <summary>The shape of every message, held by golden/messages.json: a change of it is a change of the protocol and shows in review.</summary>
public sealed class WireContractTests
{
    private static readonly JobId Job = JobId.Parse("job-1");
    private static readonly FencingEpoch Epoch = new(3);
    private static readonly ExecId Exec = new(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"));
    private const string Step = "step-1";
    private const int Deadline = 5000;

    private static readonly AgentHello Agent = new()
    {
        Protocol = 1,
        AgentVersion = "0.1.0",
        Instance = "00112233445566778899aabbccddeeff",
        KernelRelease = "6.12.0-1-cloud-amd64",
        CriuVersion = "4.1.1",
        RuncVersion = "1.1.15+ds1",
        PodmanVersion = "5.4.2",
        BootId = "11111111-2222-3333-4444-555555555555",
        MemoryTotal = 1 << 30,
        MemoryAvailable = 1 << 29,
        Vcpus = 1,
        CpuFlags = ["fpu", "avx2"],
        Features = ["describe", "restore"],
    };

    private static readonly ManagedContainer Managed = new()
    {
        Engine = ContainerEngine.Docker,
        Id = ContainerId.Parse(new string('c', 64)),
        Name = ContainerId.Parse("web"),
        Image = ImageId.Parse(new string('a', 64)),
        ImageName = ImageReference.Parse("localhost/redis:latest"),
        Volumes = [ContainerId.Parse("books")],
        Binds = ["/srv/books"],
        CgroupDriver = "systemd",
        FileBytes = 1 << 20,
    };

    private static readonly object[] Messages =
    [
        new HostHello(1, "watari"),
        Agent,
        new AgentError(AgentErrorCode.NotEnoughMemory, "message", "tail"),
        new DescribeRequest { DeadlineMilliseconds = Deadline },
        new PrepareRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, Container = ContainerId.Parse("redis"), Bundle = "/var/lib/watari/bundles/redis", Managed = Managed, MemoryNeeded = 1 << 27 },
        new CheckManagedRequest { DeadlineMilliseconds = Deadline, Managed = Managed },
        new RemoveManagedRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, Managed = Managed },
        new FillVolumesRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, Length = 10240, IsLast = true },
        new PutArchiveRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, Length = 10240 },
        new PutImageRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, Name = ImageName.Parse("pages-1.img"), Length = 4096 },
        new LandingZoneRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, Name = ImageName.Parse("pages-1.img"), Length = 4096 },
        new RestoreRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, Options = new RestoreOptions { TcpEstablished = true, ManageCgroups = ManageCgroups.Ignore } },
        new RestoreArchiveRequest
        {
            Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline,
            Options = new RestoreArchiveOptions { IgnoreVolumes = true, TcpEstablished = true, FileLocks = true },
        },
        new TouchRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, Process = new GuestPid(812) },
        new FreezeRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, Cgroup = "/redis" },
        new ThawRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline },
        new KillRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, Cgroup = "/redis", Process = new GuestPid(812), Signal = 15 },
        new StopRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, Target = new EngineContainer(ContainerEngine.Docker, ContainerId.Parse("0123456789ab"), "/docker/0123456789ab", new GuestPid(812)), Signal = 15, Seconds = 10 },
        new ExecStartRequest
        {
            DeadlineMilliseconds = Deadline, Exec = Exec, Target = new EngineContainer(ContainerEngine.Runc, ContainerId.Parse("redis")),
            Command = new ExecCommand { Arguments = ["sh", "-c", "true"], Environment = ["A=b"], User = "999:999", Directory = "/data", WithInput = true },
        },
        new ExecReadRequest { DeadlineMilliseconds = Deadline, Exec = Exec, WaitMilliseconds = 2000 },
        new ExecWriteRequest { DeadlineMilliseconds = Deadline, Exec = Exec, Length = 4096, IsLast = true, WaitMilliseconds = 2000 },
        new ExecEndRequest { DeadlineMilliseconds = Deadline, Exec = Exec },
        new DestroyRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, Container = ContainerId.Parse("redis") },
        new ReleaseRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline },
        new StatusRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline },
        new SyncRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline },
        new SetClockRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, UnixNanoseconds = 1_700_000_000_000_000_000 },
        new LoopbackUpRequest { Job = Job, Epoch = Epoch, Step = Step, DeadlineMilliseconds = Deadline, Process = new GuestPid(812) },
        new GuestDescription
        {
            Agent = Agent,
            MemoryFree = 1 << 28,
            Containers = [new RuncContainer(ContainerId.Parse("redis"), new GuestPid(812), ContainerStatus.Paused, "/var/lib/watari/bundles/redis", "/redis", Job)],
            Bundles = [new Bundle("/var/lib/watari/bundles/redis", true)],
            Jobs = [Job],
        },
        new PrepareResult("/run/watari/jobs/job-1", 1 << 29),
        new CheckManagedResult(),
        new RemoveManagedResult(["volume books (in use)"]),
        new FillVolumesResult(12),
        new PutArchiveResult(10240),
        new PutImageResult(4096),
        new LandingZoneResult(1, 1, true),
        new RestoreResult
        {
            Init = new GuestPid(812),
            Processes = [new ProcessPids(new GuestPid(812), new ContainerPid(1))],
            Cgroup = "/redis",
            Timings = new RestoreTimings { Total = 1000.5, Runtime = 200, Criu = 700, Freeze = 2.5, Forking = 300, Restore = 600, PagesRestored = 8 },
        },
        new RestoreArchiveResult(ContainerId.Parse("0123456789ab")),
        new TouchResult { Pages = 100, Already = 10, Written = 50, ByHugePage = 40, Failed = 0, Milliseconds = 1.5 },
        new FreezerResult("/redis", true, 1.5),
        new KillResult(),
        new StopResult(true),
        new ExecStartResult(),
        new ExecReadResult([new ExecPart(true, 5)], 7),
        new ExecWriteResult(4096, true),
        new ExecEndResult(true),
        new DestroyResult(["container redis"]),
        new ReleaseResult(ContainerId.Parse("redis")),
        new JobStatus { Phase = JobPhase.Restored, Epoch = Epoch, Container = ContainerId.Parse("redis"), Cgroup = "/redis", Frozen = true, Processes = 1, Images = [new ImageFile(ImageName.Parse("core-1.img"), 900)] },
        new SyncResult(1.5),
        new SetClockResult(-5),
        new LoopbackUpResult(false),
    ];

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public void Every_message_has_the_shape_that_the_golden_file_holds()
    {
        JsonObject shapes = [];
        foreach (object message in Messages)
            shapes[message.GetType().Name] = JsonNode.Parse(Write(message));
        string now = shapes.ToJsonString(Readable) + "\n";

        if (Environment.GetEnvironmentVariable("WATARI_GOLDEN") == "write")
            File.WriteAllText(GoldenFile(), now);
        Assert.Equal(File.ReadAllText(GoldenFile()), now);
    }

    [Fact]
    public void Every_message_that_travels_is_in_the_golden_file()
    {
        IEnumerable<Type> travelling = typeof(AgentJson).GetCustomAttributesData()
            .Where(attribute => attribute.AttributeType == typeof(JsonSerializableAttribute))
            .Select(attribute => (Type)attribute.ConstructorArguments[0].Value!)
            .Concat(typeof(AgentRequest).GetCustomAttributes<JsonDerivedTypeAttribute>().Select(attribute => attribute.DerivedType))
            .Where(type => !type.IsAbstract);
        Assert.Empty(travelling.Except(Messages.Select(message => message.GetType())));
    }

    [Fact]
    public void Every_message_reads_back_as_what_was_written()
    {
        foreach (object message in Messages)
        {
            Type type = message is AgentRequest ? typeof(AgentRequest) : message.GetType();
            object? read = JsonSerializer.Deserialize(Write(message), AgentJson.Default.GetTypeInfo(type)!);
            Assert.Equal(Write(message), Write(read!));
        }
    }

    [Fact]
    public void What_may_be_absent_may_be_absent()
    {
        Assert.Equal(new ReleaseResult(), JsonSerializer.Deserialize("{}", AgentJson.Default.ReleaseResult));
        AgentHello bare = Agent with { CriuVersion = null, RuncVersion = null };
        Assert.Null(Assert.IsType<AgentHello>(JsonSerializer.Deserialize(Write(bare), AgentJson.Default.AgentHello)).CriuVersion);
        RuncContainer unheld = new(ContainerId.Parse("c"), new GuestPid(1), ContainerStatus.Running, "/b", "/c");
        Assert.Equal(unheld, JsonSerializer.Deserialize(JsonSerializer.Serialize(unheld, AgentJson.Default.RuncContainer), AgentJson.Default.RuncContainer));
    }

    [Fact]
    public void A_field_that_a_newer_peer_added_is_ignored()
    {
        const string json = """{"method":"sync","job":"j","epoch":1,"step":"s","deadlineMilliseconds":1,"later":{"a":1}}""";
        Assert.Equal(new FencingEpoch(1), Assert.IsType<SyncRequest>(JsonSerializer.Deserialize(json, AgentJson.Default.AgentRequest)).Epoch);
    }

    [Theory]
    [InlineData("""{"method":"sync","job":"j","step":"s","deadlineMilliseconds":1}""")]
    [InlineData("""{"method":"no-such-thing","deadlineMilliseconds":1}""")]
    [InlineData("""{"job":"j","epoch":1,"step":"s","deadlineMilliseconds":1}""")]
    [InlineData("""{"method":"sync","job":null,"epoch":1,"step":"s","deadlineMilliseconds":1}""")]
    [InlineData("""{"method":"sync","job":"j","epoch":-1,"step":"s","deadlineMilliseconds":1}""")]
    public void A_request_without_what_every_request_has_is_unreadable(string json) =>
        Assert.ThrowsAny<Exception>(() => JsonSerializer.Deserialize(json, AgentJson.Default.AgentRequest));

    private static string Write(object message) =>
        JsonSerializer.Serialize(message, AgentJson.Default.GetTypeInfo(message is AgentRequest ? typeof(AgentRequest) : message.GetType())!);

    private static string GoldenFile([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "golden", "messages.json");
}
