using System.Text.Json;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Protocol;

public sealed class GuestAgentClientTests
{
    private static readonly JobStep At = new(JobId.Parse("job-1"), new FencingEpoch(1), "step-1");
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_request_is_answered_by_its_own_answer()
    {
        (AgentPeer peer, GuestAgentClient client) = await AgentPeer.GreetedAsync();
        await using (peer)
        await using (client)
        {
            Task<SyncResult> first = client.SyncAsync(At, Long, TestContext.Current.CancellationToken);
            (uint firstNumber, _) = await peer.ReadRequestAsync<SyncRequest>();
            Task<SyncResult> second = client.SyncAsync(At, Long, TestContext.Current.CancellationToken);
            (uint secondNumber, _) = await peer.ReadRequestAsync<SyncRequest>();

            await peer.WriteAsync(FrameKind.Response, secondNumber, Answer(2));
            await peer.WriteAsync(FrameKind.Response, firstNumber, Answer(1));

            Assert.Equal(1, (await first).Milliseconds);
            Assert.Equal(2, (await second).Milliseconds);
        }
    }

    [Fact]
    public async Task A_client_reads_past_what_an_agent_had_sent_to_those_before_it()
    {
        await using AgentPeer peer = await AgentPeer.CreateAsync();
        byte[] old = new byte[FrameHeader.Size + 100];
        FrameHeader.WriteFrame(old, FrameKind.Welcome, 0, session: 99, new byte[100]);
        await peer.WriteRawAsync([.. old[30..], .. old, 1, 2, 3]);
        await peer.WriteRawAsync(new byte[FrameHeader.MaxFrame]);

        Task<GuestAgentClient> opening = GuestAgentClient.OpenAsync(peer.Host, cancellationToken: TestContext.Current.CancellationToken);
        await peer.WelcomeAsync(AgentPeer.Hello("the one that answered"));

        await using GuestAgentClient client = await opening;
        Assert.Equal("the one that answered", client.Agent.Instance);
    }

    [Fact]
    public async Task An_answer_of_an_older_session_is_no_answer()
    {
        (AgentPeer peer, GuestAgentClient client) = await AgentPeer.GreetedAsync();
        await using (peer)
        await using (client)
        {
            Task<SyncResult> sync = client.SyncAsync(At, Long, TestContext.Current.CancellationToken);
            (uint number, _) = await peer.ReadRequestAsync<SyncRequest>();
            await peer.WriteAsync(FrameKind.Response, number, Answer(1), session: peer.Session + 1);
            await peer.WriteAsync(FrameKind.Response, number, Answer(2));
            Assert.Equal(2, (await sync).Milliseconds);
        }
    }

    [Fact]
    public async Task A_refusal_carries_its_code_and_the_logs_tail()
    {
        (AgentPeer peer, GuestAgentClient client) = await AgentPeer.GreetedAsync();
        await using (peer)
        await using (client)
        {
            Task<RestoreResult> restore = client.RestoreAsync(At, new RestoreOptions(), Long, TestContext.Current.CancellationToken);
            (uint number, _) = await peer.ReadRequestAsync<RestoreRequest>();
            await peer.WriteErrorAsync(number, new AgentError(AgentErrorCode.RestoreFailed, "criu failed", "Error (criu/mem.c:1): no"));

            AgentException refused = await Assert.ThrowsAsync<AgentException>(() => restore);
            Assert.Equal((AgentErrorCode.RestoreFailed, "Error (criu/mem.c:1): no"), (refused.Code, refused.LogTail));
        }
    }

    [Fact]
    public async Task An_agent_that_restarts_fails_what_was_under_way_and_all_that_follows()
    {
        (AgentPeer peer, GuestAgentClient client) = await AgentPeer.GreetedAsync();
        await using (peer)
        await using (client)
        {
            Task<SyncResult> sync = client.SyncAsync(At, Long, TestContext.Current.CancellationToken);
            await peer.ReadRequestAsync<SyncRequest>();
            Assert.False(client.IsLost);
            await peer.WriteRawAsync(new byte[FrameHeader.MaxFrame]);
            await peer.WriteAsync(FrameKind.Started, 0, JsonSerializer.SerializeToUtf8Bytes(AgentPeer.Hello("another"), AgentJson.Default.AgentHello), session: 0);

            Assert.Equal(AgentLostReason.Restarted, (await Assert.ThrowsAsync<AgentLostException>(() => sync)).Reason);
            Assert.True(client.IsLost);
            Assert.Equal(AgentLostReason.Restarted, (await Assert.ThrowsAsync<AgentLostException>(() => client.SyncAsync(At, Long, TestContext.Current.CancellationToken))).Reason);
        }
    }

    [Fact]
    public async Task A_machine_that_stops_fails_what_was_under_way()
    {
        (AgentPeer peer, GuestAgentClient client) = await AgentPeer.GreetedAsync();
        await using (client)
        {
            Task<SyncResult> sync = client.SyncAsync(At, Long, TestContext.Current.CancellationToken);
            await peer.ReadRequestAsync<SyncRequest>();
            await peer.DisposeAsync();
            Assert.Equal(AgentLostReason.Disconnected, (await Assert.ThrowsAsync<AgentLostException>(() => sync)).Reason);
        }
    }

    [Fact]
    public async Task An_agent_that_says_nothing_is_lost_when_deadline_and_grace_have_passed()
    {
        (AgentPeer peer, GuestAgentClient client) = await AgentPeer.GreetedAsync(new GuestAgentClientOptions { Grace = TimeSpan.FromMilliseconds(20) });
        await using (peer)
        await using (client)
        {
            AgentLostException lost = await Assert.ThrowsAsync<AgentLostException>(() => client.SyncAsync(At, TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken));
            Assert.Equal(AgentLostReason.Silent, lost.Reason);
        }
    }

    [Fact]
    public async Task A_guest_that_reads_nothing_cannot_hold_a_client_beyond_its_deadline()
    {
        (AgentPeer peer, GuestAgentClient client) = await AgentPeer.GreetedAsync(new GuestAgentClientOptions { Grace = TimeSpan.FromMilliseconds(20) });
        await using (peer)
        await using (client)
        {
            using MemoryStream more = new(new byte[64 << 20]);
            AgentLostException lost = await Assert.ThrowsAsync<AgentLostException>(() => client.PutImageAsync(At, ImageName.Parse("pages-1.img"), more, TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken));
            Assert.Equal(AgentLostReason.Silent, lost.Reason);
        }
    }

    [Fact]
    public async Task A_guest_without_an_agent_is_found_out_within_the_deadline()
    {
        await using AgentPeer peer = await AgentPeer.CreateAsync();
        AgentLostException lost = await Assert.ThrowsAsync<AgentLostException>(() =>
            GuestAgentClient.OpenAsync(peer.Host, new GuestAgentClientOptions { ConnectDeadline = TimeSpan.FromMilliseconds(20) }, TestContext.Current.CancellationToken));
        Assert.Equal(AgentLostReason.Silent, lost.Reason);
    }

    [Fact]
    public async Task A_socket_that_nobody_listens_at_is_a_machine_that_is_not_there()
    {
        AgentLostException lost = await Assert.ThrowsAsync<AgentLostException>(() => GuestAgentClient.ConnectAsync("/nowhere/agent.sock", cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(AgentLostReason.Disconnected, lost.Reason);
    }

    [Fact]
    public async Task An_agent_of_another_protocol_is_refused_by_both_versions()
    {
        await using AgentPeer peer = await AgentPeer.CreateAsync();
        Task<GuestAgentClient> opening = GuestAgentClient.OpenAsync(peer.Host, cancellationToken: TestContext.Current.CancellationToken);
        await peer.WelcomeAsync(AgentPeer.Hello(protocol: 77));
        AgentException refused = await Assert.ThrowsAsync<AgentException>(() => opening);
        Assert.Equal(AgentErrorCode.ProtocolMismatch, refused.Code);
        Assert.Contains("77", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_arrives_in_frames_with_the_hash_of_all_of_it_at_the_end()
    {
        (AgentPeer peer, GuestAgentClient client) = await AgentPeer.GreetedAsync();
        await using (peer)
        await using (client)
        {
            byte[] image = new byte[(2 * FrameHeader.MaxPayload) + 17];
            new Random(1).NextBytes(image);
            using MemoryStream content = new(image);
            Task<PutImageResult> put = client.PutImageAsync(At, ImageName.Parse("pages-1.img"), content, Long, TestContext.Current.CancellationToken);

            (uint number, PutImageRequest request) = await peer.ReadRequestAsync<PutImageRequest>();
            Assert.Equal(image.Length, request.Length);
            List<byte> arrived = [];
            while (true)
            {
                (FrameHeader header, byte[] payload) = await peer.ReadAsync();
                Assert.Equal(number, header.Request);
                if (header.Kind == FrameKind.DataEnd)
                {
                    Assert.Equal(System.IO.Hashing.XxHash3.HashToUInt64(image), BitConverter.ToUInt64(payload));
                    break;
                }
                arrived.AddRange(payload);
            }
            Assert.Equal(image, arrived);
            await peer.WriteAsync(FrameKind.Response, number, JsonSerializer.SerializeToUtf8Bytes(new PutImageResult(image.Length), AgentJson.Default.PutImageResult));
            Assert.Equal(image.Length, (await put).Length);
        }
    }

    [Fact]
    public async Task A_refused_image_is_not_sent_to_its_end()
    {
        (AgentPeer peer, GuestAgentClient client) = await AgentPeer.GreetedAsync();
        await using (peer)
        await using (client)
        {
            using MemoryStream content = new(new byte[256 << 20]);
            Task<PutImageResult> put = client.PutImageAsync(At, ImageName.Parse("pages-1.img"), content, Long, TestContext.Current.CancellationToken);
            (uint number, _) = await peer.ReadRequestAsync<PutImageRequest>();
            await peer.WriteErrorAsync(number, new AgentError(AgentErrorCode.StaleEpoch, "newer owner"));
            Assert.Equal(AgentErrorCode.StaleEpoch, (await Assert.ThrowsAsync<AgentException>(() => put)).Code);
            Assert.True(content.Position < content.Length);
        }
    }

    [Fact]
    public async Task The_frames_of_a_landing_zone_arrive_before_its_answer()
    {
        (AgentPeer peer, GuestAgentClient client) = await AgentPeer.GreetedAsync();
        await using (peer)
        await using (client)
        {
            Task<(LandingZoneResult Result, IReadOnlyList<LandingRun> Runs)> zone = client.LandingZoneAsync(At, ImageName.Parse("pages-1.img"), 3 * 4096, Long, TestContext.Current.CancellationToken);
            (uint number, _) = await peer.ReadRequestAsync<LandingZoneRequest>();
            byte[] runs = new byte[2 * LandingRun.WireSize];
            new LandingRun(0, 0x1234, 1).Write(runs);
            new LandingRun(1, 0x9999, 2).Write(runs.AsSpan(LandingRun.WireSize));
            await peer.WriteAsync(FrameKind.Data, number, runs);
            await peer.WriteDataEndAsync(number, runs);
            await peer.WriteAsync(FrameKind.Response, number, JsonSerializer.SerializeToUtf8Bytes(new LandingZoneResult(3, 2, true), AgentJson.Default.LandingZoneResult));
            Assert.Equal([new LandingRun(0, 0x1234, 1), new LandingRun(1, 0x9999, 2)], (await zone).Runs);
        }
    }

    [Fact]
    public async Task A_guest_that_sends_more_page_frames_than_its_zone_has_is_cut_off()
    {
        (AgentPeer peer, GuestAgentClient client) = await AgentPeer.GreetedAsync();
        await using (peer)
        await using (client)
        {
            Task<(LandingZoneResult, IReadOnlyList<LandingRun>)> zone = client.LandingZoneAsync(At, ImageName.Parse("pages-1.img"), 4096, Long, TestContext.Current.CancellationToken);
            (uint number, _) = await peer.ReadRequestAsync<LandingZoneRequest>();
            await peer.WriteAsync(FrameKind.Data, number, new byte[100 * LandingRun.WireSize]);
            Assert.Equal(AgentErrorCode.CorruptData, (await Assert.ThrowsAsync<AgentException>(() => zone)).Code);
        }
    }

    private static byte[] Answer(double milliseconds) =>
        JsonSerializer.SerializeToUtf8Bytes(new SyncResult(milliseconds), AgentJson.Default.SyncResult);
}
