using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Watari.Hypervisor.Tests;

public sealed class QmpClientTests : IDisposable
{
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(200);
    private readonly ScriptedQmpServer _qemu = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _qemu.Dispose();

    [Fact]
    public async Task Connecting_negotiates_capabilities_and_learns_who_listens()
    {
        await using QmpClient qmp = await _qemu.GreetAsync();

        Assert.Equal(new Version(7, 2, 22), qmp.QemuVersion);
        Assert.Equal(Environment.ProcessId, qmp.PeerProcessId);
    }

    [Fact]
    public async Task A_command_carries_its_arguments_and_returns_its_result()
    {
        await using QmpClient qmp = await _qemu.GreetAsync();

        Task<string> asked = qmp.ExecuteAsync<string>("human-monitor-command", new JsonObject { ["command-line"] = "info \"x\"" }, cancellation: Cancellation);
        JsonElement heard = await _qemu.HearAsync();
        await _qemu.ReplyAsync(heard.GetProperty("id").GetUInt64(), "\"fine\\r\\n\"");

        Assert.Equal("info \"x\"", heard.GetProperty("arguments").GetProperty("command-line").GetString());
        Assert.Equal("fine\r\n", await asked);
    }

    [Fact]
    public async Task Replies_find_their_commands_whatever_their_order_and_whatever_comes_between()
    {
        await using QmpClient qmp = await _qemu.GreetAsync();

        Task<string> first = qmp.ExecuteAsync<string>("first", cancellation: Cancellation);
        ulong firstId = await _qemu.HearAsync("first");
        Task<string> second = qmp.ExecuteAsync<string>("second", cancellation: Cancellation);
        ulong secondId = await _qemu.HearAsync("second");
        await _qemu.EventAsync("STOP");
        await _qemu.ReplyAsync(secondId, "\"2\"");
        await _qemu.EventAsync("RESUME");
        await _qemu.ReplyAsync(firstId, "\"1\"");

        Assert.Equal("1", await first);
        Assert.Equal("2", await second);
    }

    [Fact]
    public async Task A_message_may_arrive_in_pieces_and_several_at_once()
    {
        await using QmpClient qmp = await _qemu.GreetAsync();

        Task<string> first = qmp.ExecuteAsync<string>("first", cancellation: Cancellation);
        ulong firstId = await _qemu.HearAsync("first");
        Task<string> second = qmp.ExecuteAsync<string>("second", cancellation: Cancellation);
        ulong secondId = await _qemu.HearAsync("second");
        string both = $$"""{"return": "{{new string('x', 100_000)}}", "id": {{firstId}}}""" + "\r\n" + $$"""{"return": "2", "id": {{secondId}}}""" + "\r\n";
        await _qemu.SayAsync(both[..10]);
        await _qemu.SayAsync(both[10..50_000]);
        await _qemu.SayAsync(both[50_000..]);

        Assert.Equal(100_000, (await first).Length);
        Assert.Equal("2", await second);
    }

    [Fact]
    public async Task A_refused_command_fails_with_QEMUs_class_and_words()
    {
        await using QmpClient qmp = await _qemu.GreetAsync();

        Task asked = qmp.ExecuteAsync("nonsense", cancellation: Cancellation);
        ulong id = await _qemu.HearAsync("nonsense");
        await _qemu.SayAsync($$"""{"error": {"class": "CommandNotFound", "desc": "The command nonsense has not been found"}, "id": {{id}}}""" + "\n");

        QmpException refusal = await Assert.ThrowsAsync<QmpException>(() => asked);
        Assert.Equal("nonsense", refusal.Command);
        Assert.Equal("CommandNotFound", refusal.ErrorClass);
        Assert.Equal("The command nonsense has not been found", refusal.Description);
    }

    [Fact]
    public async Task A_reply_of_another_shape_than_asked_for_is_an_error_of_ours()
    {
        await using QmpClient qmp = await _qemu.GreetAsync();

        Task<string> asked = qmp.ExecuteAsync<string>("first", cancellation: Cancellation);
        await _qemu.ReplyAsync(await _qemu.HearAsync("first"), "{\"no\": \"string\"}");

        await Assert.ThrowsAsync<QmpConnectionException>(() => asked);
    }

    [Fact]
    public async Task A_command_without_an_answer_ends_at_its_deadline_and_its_late_reply_harms_nobody()
    {
        await using QmpClient qmp = await _qemu.GreetAsync();

        Task<string> given_up = qmp.ExecuteAsync<string>("slow", deadline: s_short, cancellation: Cancellation);
        ulong slow = await _qemu.HearAsync("slow");
        QmpTimeoutException timeout = await Assert.ThrowsAsync<QmpTimeoutException>(() => given_up);
        Assert.Contains("slow", timeout.Message, StringComparison.Ordinal);
        Task<string> next = qmp.ExecuteAsync<string>("next", cancellation: Cancellation);
        ulong id = await _qemu.HearAsync("next");
        await _qemu.ReplyAsync(slow, "\"late\"");
        await _qemu.ReplyAsync(id, "\"right\"");

        Assert.Equal("right", await next);
    }

    [Fact]
    public async Task A_QEMU_that_accepts_and_never_greets_is_given_up_at_the_deadline()
    {
        Task<QmpClient> connecting = QmpClient.ConnectAsync(_qemu.SocketPath, s_short, Cancellation);
        await _qemu.AcceptAsync();

        QmpTimeoutException timeout = await Assert.ThrowsAsync<QmpTimeoutException>(() => connecting);
        Assert.Contains(_qemu.SocketPath, timeout.Message, StringComparison.Ordinal);
        Assert.Contains("one client at a time", timeout.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_QEMU_that_no_longer_accepts_is_given_up_at_the_deadline()
    {
        List<Task> connecting = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(() => QmpClient.ConnectAsync(_qemu.SocketPath, s_short, Cancellation), Cancellation))];

        foreach (Task connection in connecting) await Assert.ThrowsAsync<QmpTimeoutException>(() => connection);
    }

    [Fact]
    public async Task A_QEMU_that_greets_and_then_hangs_is_given_up_at_the_deadline()
    {
        Task<QmpClient> connecting = QmpClient.ConnectAsync(_qemu.SocketPath, s_short, Cancellation);
        await _qemu.AcceptAsync();
        await _qemu.SayAsync(ScriptedQmpServer.Greeting);

        await Assert.ThrowsAsync<QmpTimeoutException>(() => connecting);
    }

    [Fact]
    public async Task A_cancelled_command_is_cancelled_and_not_timed_out()
    {
        await using QmpClient qmp = await _qemu.GreetAsync();
        using var cancelled = new CancellationTokenSource();

        Task asked = qmp.ExecuteAsync("slow", cancellation: cancelled.Token);
        await _qemu.HearAsync("slow");
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
    }

    [Fact]
    public async Task Losing_QEMU_in_the_middle_of_a_command_ends_everything_that_waits()
    {
        await using QmpClient qmp = await _qemu.GreetAsync();
        using QmpEventWait stopped = qmp.ExpectEvent("STOP");
        IAsyncEnumerable<QmpEvent> events = qmp.Events(Cancellation);

        Task asked = qmp.ExecuteAsync("stop", cancellation: Cancellation);
        await _qemu.HearAsync("stop");
        _qemu.HangUp();

        QmpConnectionException lost = await Assert.ThrowsAsync<QmpConnectionException>(() => asked);
        Assert.Contains(_qemu.SocketPath, lost.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<QmpConnectionException>(() => stopped.Task);
        Assert.Empty(await events.ToListAsync(Cancellation));
        await qmp.Disconnected;
        await Assert.ThrowsAsync<QmpConnectionException>(() => qmp.ExecuteAsync("cont", cancellation: Cancellation));
    }

    [Fact]
    public async Task An_armed_wait_gets_the_event_that_came_before_it_was_awaited()
    {
        await using QmpClient qmp = await _qemu.GreetAsync();
        using QmpEventWait completed = qmp.ExpectEvent("MIGRATION", happened => happened.Data?.GetProperty("status").GetString() == "completed");

        await _qemu.EventAsync("MIGRATION", """{"status": "active"}""");
        await _qemu.EventAsync("MIGRATION", """{"status": "completed"}""");
        Task<string> after = qmp.ExecuteAsync<string>("after", cancellation: Cancellation);
        await _qemu.ReplyAsync(await _qemu.HearAsync("after"), "\"\"");
        await after;

        Assert.True(completed.Task.IsCompletedSuccessfully);
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_250), (await completed.Task).Time);
    }

    [Fact]
    public async Task An_event_that_does_not_come_ends_its_wait_at_the_deadline()
    {
        await using QmpClient qmp = await _qemu.GreetAsync();
        using QmpEventWait stopped = qmp.ExpectEvent("STOP", deadline: s_short);

        await _qemu.EventAsync("RESUME");

        QmpTimeoutException timeout = await Assert.ThrowsAsync<QmpTimeoutException>(() => stopped.Task);
        Assert.Contains("STOP", timeout.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_stream_of_events_holds_those_from_its_call_on()
    {
        await using QmpClient qmp = await _qemu.GreetAsync();
        IAsyncEnumerable<QmpEvent> events = qmp.Events(Cancellation);

        await _qemu.EventAsync("STOP");
        await _qemu.EventAsync("RESUME");
        _qemu.HangUp();

        Assert.Equal(["STOP", "RESUME"], await events.Select(happened => happened.Name).ToListAsync(Cancellation));
    }

    [Fact]
    public async Task What_does_not_speak_QMP_is_named_as_such()
    {
        Task<QmpClient> connecting = QmpClient.ConnectAsync(_qemu.SocketPath, cancellation: Cancellation);
        await _qemu.AcceptAsync();
        await _qemu.SayAsync("QEMU 7.2.22 monitor - type 'help' for more information\r\n");

        QmpConnectionException failure = await Assert.ThrowsAsync<QmpConnectionException>(() => connecting);
        Assert.Contains("does not speak QMP", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_without_an_end_does_not_fill_the_memory()
    {
        await using QmpClient qmp = await _qemu.GreetAsync();
        string much = new('x', 1 << 20);

        Exception? stopped = null;
        for (int sent = 0; stopped is null && sent <= QmpClient.MaxLineLength * 2L / much.Length; sent++)
        {
            stopped = await Record.ExceptionAsync(() => _qemu.SayAsync(much));
        }

        await qmp.Disconnected.WaitAsync(Cancellation);
        await Assert.ThrowsAsync<QmpConnectionException>(() => qmp.ExecuteAsync("stop", cancellation: Cancellation));
    }

    [Fact]
    public async Task A_socket_that_is_not_there_is_named_with_what_to_do()
    {
        string path = _qemu.SocketPath + ".none";

        QmpConnectionException failure = await Assert.ThrowsAsync<QmpConnectionException>(() => QmpClient.ConnectAsync(path, cancellation: Cancellation));

        Assert.Contains(path, failure.Message, StringComparison.Ordinal);
        Assert.Contains("-qmp unix:", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_left_by_a_VM_that_ended_is_named_with_what_to_do()
    {
        using var directory = new TemporaryDirectory();
        string path = Path.Combine(directory.Path, "qmp.sock");
        using var ended = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        ended.Bind(new UnixDomainSocketEndPoint(path)); // and never listens

        QmpConnectionException failure = await Assert.ThrowsAsync<QmpConnectionException>(() => QmpClient.ConnectAsync(path, cancellation: Cancellation));

        Assert.Contains("Connection refused", failure.Message, StringComparison.Ordinal);
        Assert.Contains(path, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_path_that_is_too_long_is_refused_with_the_reason()
    {
        string path = "/tmp/" + new string('x', 120);

        QmpConnectionException failure = await Assert.ThrowsAsync<QmpConnectionException>(() => QmpClient.ConnectAsync(path, cancellation: Cancellation));

        Assert.Contains("107 bytes", failure.Message, StringComparison.Ordinal);
    }
}
