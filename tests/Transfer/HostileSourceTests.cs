using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Watari.Transfer.Tests;

/// <summary>Sources that speak the protocol wrongly on purpose. The bytes are written out here: they are the protocol.</summary>
public sealed class HostileSourceTests : IDisposable
{
    private static readonly TransferLimits Limits = Hosts.Impatient with { MaxPages = new PageCount(1000), MaxBlobs = 2, MaxBlobBytes = 5000, MaxNameBytes = 20, MaxStreams = 4, MaxRuns = 600, MaxAddressSpaces = 3 };
    private readonly PageReceiver _destination = Hosts.Destination(Limits);
    private readonly PageReception _reception;

    public HostileSourceTests() => _reception = _destination.Expect(JobId.New(), new Epoch(3));

    public void Dispose()
    {
        _reception.Dispose();
        _destination.Dispose();
    }

    [Theory]
    [InlineData(1001, 0, 0, 1, TransferFailure.LimitExceeded)]
    [InlineData(long.MaxValue, 0, 0, 1, TransferFailure.LimitExceeded)]
    [InlineData(-1, 0, 0, 1, TransferFailure.ProtocolViolation)]
    [InlineData(10, 3, 10, 1, TransferFailure.LimitExceeded)]
    [InlineData(10, 2, 5001, 1, TransferFailure.LimitExceeded)]
    [InlineData(10, -2, 10, 1, TransferFailure.ProtocolViolation)]
    [InlineData(10, 0, 0, 5, TransferFailure.LimitExceeded)]
    [InlineData(10, 0, 0, 0, TransferFailure.ProtocolViolation)]
    public void Announcements_beyond_the_limits_are_refused_before_any_memory_is_taken(long pages, int blobs, long blobBytes, int streams, TransferFailure expected)
    {
        using Socket source = Connect();
        source.Send(Hello(pages: pages, blobs: blobs, blobBytes: blobBytes, streams: (ushort)streams));

        Assert.Equal(expected, Answer(source));
        Assert.False(_reception.Completion.IsCompleted);
    }

    [Fact]
    public void A_stranger_and_another_version_are_refused()
    {
        using Socket stranger = Connect();
        stranger.Send(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: watari\r\n\r\n".PadRight(64)));
        Assert.Equal(TransferFailure.VersionMismatch, Answer(stranger));

        using Socket other = Connect();
        other.Send(Hello(version: 2));
        Assert.Equal(TransferFailure.VersionMismatch, Answer(other));
    }

    [Fact]
    public void A_second_stream_of_the_same_index_or_with_another_announcement_is_refused_without_harm_to_the_first()
    {
        using Socket first = Connect();
        first.Send(Hello(streams: 2));
        Assert.Equal(TransferFailure.None, Answer(first));

        using Socket twin = Connect();
        twin.Send(Hello(streams: 2));
        Assert.Equal(TransferFailure.ProtocolViolation, Answer(twin));
        using Socket liar = Connect();
        liar.Send(Hello(streams: 2, index: 1, pages: 11));
        Assert.Equal(TransferFailure.ProtocolViolation, Answer(liar));
        Assert.False(_reception.Completion.IsCompleted);
    }

    public static TheoryData<string, TransferFailure, byte[][]> Frames => new()
    {
        { "unknown frame", TransferFailure.ProtocolViolation, [Header(9, 0, 0)] },
        { "no runs", TransferFailure.ProtocolViolation, [Header(2, 0, 0)] },
        { "endless runs", TransferFailure.ProtocolViolation, [Header(2, uint.MaxValue, 0)] },
        { "endless batch", TransferFailure.ProtocolViolation, [Header(2, 1, long.MaxValue)] },
        { "negative batch", TransferFailure.ProtocolViolation, [Header(2, 1, -5)] },
        { "runs that do not add up", TransferFailure.ProtocolViolation, [Header(2, 1, 2), Run(1, 3, 0)] },
        { "an empty run", TransferFailure.ProtocolViolation, [Header(2, 1, 0), Run(1, 0, 0)] },
        { "a run past the end of an address space", TransferFailure.ProtocolViolation, [Header(2, 1, 0), Run(1, 2 | 1U << 31, (1UL << 52) - 1)] },
        { "a run that wraps around", TransferFailure.ProtocolViolation, [Header(2, 1, 0), Run(1, 2 | 1U << 31, ulong.MaxValue)] },
        { "more pages than announced", TransferFailure.LimitExceeded, [Header(2, 1, 11), Run(1, 11, 0), new byte[11 * 4096]] },
        { "more zero pages than announced", TransferFailure.LimitExceeded, [Header(2, 1, 0), Run(1, int.MaxValue | 1U << 31, 0)] },
        { "more address spaces than allowed", TransferFailure.LimitExceeded, [Header(2, 4, 0), ZeroRun(1), ZeroRun(2), ZeroRun(3), ZeroRun(4)] },
        { "a long name", TransferFailure.ProtocolViolation, [Header(1, 21, 4)] },
        { "a nameless blob", TransferFailure.ProtocolViolation, [Header(1, 0, 4)] },
        { "a blob larger than announced", TransferFailure.LimitExceeded, [Header(1, 4, 101)] },
        { "a blob of negative size", TransferFailure.LimitExceeded, [Header(1, 4, -1)] },
        { "a blob twice", TransferFailure.ProtocolViolation, [Header(1, 1, 1), "ab"u8.ToArray(), Header(1, 1, 1), "ab"u8.ToArray()] },
        { "metadata after pages", TransferFailure.ProtocolViolation, [Header(2, 1, 0), ZeroRun(1), Header(1, 1, 1)] },
        { "totals of another size", TransferFailure.ProtocolViolation, [Header(3, 79, 0)] },
        { "totals that are wrong", TransferFailure.HashMismatch, [Header(2, 1, 0), ZeroRun(1), Header(3, 80, 0), new byte[80]] },
        { "fewer blobs than announced", TransferFailure.ProtocolViolation, [Header(3, 80, 0), new byte[80]] },
    };

    [Theory]
    [MemberData(nameof(Frames))]
    public async Task What_the_protocol_does_not_allow_ends_the_reception_typed_and_the_source_is_told(string what, TransferFailure expected, byte[][] frames)
    {
        using Socket source = Connect();
        source.Send(Hello(pages: 10, blobs: 2, blobBytes: 100));
        Assert.Equal(TransferFailure.None, Answer(source));

        foreach (byte[] frame in frames) source.Send(frame);

        Assert.True(expected == (await Hosts.FailureOf(_reception.Completion)).Failure, what);
        Assert.Equal(expected, Answer(source));
    }

    [Fact]
    public async Task A_page_that_is_sent_twice_is_found_at_the_end()
    {
        using Socket source = Connect();
        source.Send(Hello(pages: 10));
        Assert.Equal(TransferFailure.None, Answer(source));
        source.Send(Header(2, 1, 0));
        source.Send(Run(1, 5 | 1U << 31, 100));
        source.Send(Header(2, 1, 0));
        source.Send(Run(1, 2 | 1U << 31, 104));
        PageDigest places = default(PageDigest).WithPlaces(new AddressSpaceId(1), new VirtualPage(100), 5).WithPlaces(new AddressSpaceId(1), new VirtualPage(104), 2);
        byte[] totals = new byte[80];
        BinaryPrimitives.WriteInt64LittleEndian(totals.AsSpan(8), 7);
        BinaryPrimitives.WriteUInt128LittleEndian(totals.AsSpan(48), places.Value);
        source.Send(Header(3, 80, 0));
        source.Send(totals);

        Assert.Equal(TransferFailure.ProtocolViolation, (await Hosts.FailureOf(_reception.Completion)).Failure);
    }

    [Fact]
    public async Task Connections_that_say_nothing_are_dropped_and_do_not_keep_others_out()
    {
        using PageReceiver small = Hosts.Destination(Hosts.Impatient, maxConnections: 2);
        List<Socket> silent = [];
        for (int i = 0; i < 2; i++) silent.Add(Connect(small));
        foreach (Socket socket in silent)
        {
            // The end of the connection, at the latest after the deadline for the hello.
            Assert.Equal(0, await socket.ReceiveAsync(new byte[1], TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
            socket.Dispose();
        }
        using GuestPages memory = GuestPages.Random(1);
        using PageReception reception = small.Expect(JobId.New(), new Epoch(1));
        await new PageSender(Hosts.To(small.EndPoint, reception, memory.Run(1, 0)) with { Streams = 1 }).SendAsync(TestContext.Current.CancellationToken);
        using ReceivedPages received = await reception.Completion;
        Assert.Equal(new PageCount(1), received.Pages.Normal);
    }

    private Socket Connect() => Connect(_destination);

    private static Socket Connect(PageReceiver to)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000 };
        socket.Connect(to.EndPoint);
        return socket;
    }

    private byte[] Hello(ushort version = 1, ushort index = 0, ushort streams = 1, long pages = 10, long blobBytes = 0, int blobs = 0)
    {
        byte[] hello = new byte[64];
        "WATARIpg"u8.CopyTo(hello);
        BinaryPrimitives.WriteUInt16LittleEndian(hello.AsSpan(8), version);
        BinaryPrimitives.WriteUInt16LittleEndian(hello.AsSpan(10), index);
        BinaryPrimitives.WriteUInt16LittleEndian(hello.AsSpan(12), streams);
        _reception.Job.Value.TryWriteBytes(hello.AsSpan(16));
        BinaryPrimitives.WriteInt64LittleEndian(hello.AsSpan(32), _reception.Epoch.Value);
        BinaryPrimitives.WriteInt64LittleEndian(hello.AsSpan(40), pages);
        BinaryPrimitives.WriteInt64LittleEndian(hello.AsSpan(48), blobBytes);
        BinaryPrimitives.WriteInt32LittleEndian(hello.AsSpan(56), blobs);
        return hello;
    }

    private static TransferFailure Answer(Socket source)
    {
        byte[] answer = new byte[16];
        for (int done = 0; done < answer.Length;)
        {
            int got = source.Receive(answer.AsSpan(done));
            Assert.NotEqual(0, got);
            done += got;
        }
        Assert.True(answer.AsSpan(0, 6).SequenceEqual("WTRv\x01\0"u8));
        return (TransferFailure)BinaryPrimitives.ReadUInt16LittleEndian(answer.AsSpan(6));
    }

    private static byte[] Header(uint kind, uint small, long large)
    {
        byte[] header = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(header, kind);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), small);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(8), large);
        return header;
    }

    private static byte[] ZeroRun(uint space) => Run(space, 1 | 1U << 31, 5);

    private static byte[] Run(uint space, uint countAndZero, ulong first)
    {
        byte[] run = new byte[16];
        BinaryPrimitives.WriteUInt32LittleEndian(run, space);
        BinaryPrimitives.WriteUInt32LittleEndian(run.AsSpan(4), countAndZero);
        BinaryPrimitives.WriteUInt64LittleEndian(run.AsSpan(8), first);
        return run;
    }
}
