using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Agent;

public sealed class JobGateTests
{
    private static readonly JobStep A = new(JobId.Parse("a"), new FencingEpoch(1), "s");
    private static readonly JobStep B = new(JobId.Parse("b"), new FencingEpoch(1), "s");

    [Fact]
    public void Who_makes_something_is_alone_in_the_job()
    {
        JobGate gate = new();
        using (gate.EnterAlone(A))
        {
            Assert.Equal(AgentErrorCode.Busy, Assert.Throws<AgentException>(() => gate.EnterShared(A)).Code);
            Assert.Equal(AgentErrorCode.Busy, Assert.Throws<AgentException>(() => gate.EnterAlone(A)).Code);
            gate.EnterAlone(B).Dispose();
            Assert.True(gate.IsBusy(A.Job));
        }
        Assert.False(gate.IsBusy(A.Job));
        gate.EnterAlone(A).Dispose();
    }

    [Fact]
    public void Those_who_use_what_is_there_are_in_the_job_together()
    {
        JobGate gate = new();
        using (gate.EnterShared(A))
        using (gate.EnterShared(A))
            Assert.Throws<AgentException>(() => gate.EnterAlone(A));
        gate.EnterAlone(A).Dispose();
    }

    [Fact]
    public async Task A_destroy_strikes_the_others_bells_and_enters_when_they_have_left()
    {
        JobGate gate = new();
        JobGate.Visit working = gate.EnterAlone(A);
        Task worker = Task.Run(() =>
        {
            using (working)
            {
                AgentException cut = Assert.Throws<AgentException>(() => Deadline.After(30_000, working.Bell).Wait(-1, 0, "working"));
                Assert.Equal(AgentErrorCode.Interrupted, cut.Code);
            }
        }, TestContext.Current.CancellationToken);

        using (gate.Evict(A, Deadline.After(30_000)))
            Assert.True(working.Bell.Struck);
        await worker;
    }

    [Fact]
    public void A_destroy_that_the_others_do_not_make_room_for_ends_at_its_deadline()
    {
        JobGate gate = new();
        using JobGate.Visit deaf = gate.EnterShared(A);
        Assert.Equal(AgentErrorCode.DeadlineExceeded, Assert.Throws<AgentException>(() => gate.Evict(A, Deadline.After(30))).Code);
    }
}
