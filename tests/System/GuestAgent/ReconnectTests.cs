using Watari.GuestAgent.Protocol;
using Watari.Guests;

namespace Watari.SystemTests.GuestAgents;

public sealed class ReconnectTests
{
    private const int Times = 100;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The guest's driver hears of a host's coming and going in a worker of its own, which may be behind what the host has sent.</summary>
    [Fact]
    public async Task A_host_that_comes_back_is_answered_though_the_guest_is_busy()
    {
        await using Guest guest = await Guest.StartAsync(new GuestOptions { Name = "reconnecting" }, Cancellation);
        await guest.Console.CheckAsync("for i in 1 2 3 4; do setsid sh -c 'while :; do :; done' </dev/null >/dev/null 2>&1 & done", cancellation: Cancellation);
        string? first = null;

        for (int i = 0; i < Times; i++)
        {
            // Of all lengths, so that some end between the two moments at which the guest hears of it.
            await Task.Delay(i % 50, Cancellation);
            await using GuestAgentClient agent = await GuestAgentClient.ConnectAsync(guest.Directory.AgentSocket, cancellationToken: Cancellation);
            Assert.Equal(first ??= agent.Agent.BootId.ToString(), agent.Agent.BootId.ToString());
        }
    }
}
