using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Silo.Engine.Execs;

namespace Watari.Silo.Tests.Engine.Execs;

/// <summary>What a console gives a command to read, through an agent that is in the guest's hands.</summary>
public sealed class OpenCommandsTests
{
    private static readonly byte[] s_bytes = [1, 2, 3];

    private readonly OpenCommand _command = new(TimeProvider.System);

    [Fact]
    public async Task Bytes_that_were_given_twice_are_written_once()
    {
        List<int> written = [];
        Task<ExecWriteResult> Write(ReadOnlyMemory<byte> bytes)
        {
            written.Add(bytes.Length);
            return Task.FromResult(new ExecWriteResult(2, IsClosed: false));
        }

        ExecInput first = await _command.WriteAsync(0, s_bytes, isLast: false, Write);
        ExecInput again = await _command.WriteAsync(0, s_bytes, isLast: false, bytes => Task.FromResult(new ExecWriteResult(bytes.Length, IsClosed: false)));

        Assert.Equal((2L, 3L), (first.Taken, again.Taken));
        Assert.Equal([3], written);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(-1)]
    public async Task An_agent_that_says_that_more_was_taken_than_was_given_is_not_believed(int written)
    {
        EngineException e = await Assert.ThrowsAsync<EngineException>(() => _command.WriteAsync(0, s_bytes, isLast: false, _ => Task.FromResult(new ExecWriteResult(written, IsClosed: false))));

        Assert.Equal(FailureKind.Internal, e.Kind);
        Assert.Equal(0, (await _command.WriteAsync(0, s_bytes, isLast: false, _ => Task.FromResult(new ExecWriteResult(0, IsClosed: false)))).Taken);
    }
}
