using Watari.Checkpoint.Capture;
using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.Checkpoint.Verdicts;
using Watari.Disk;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Hypervisor;
using Watari.Introspection;
using Watari.Transfer;

namespace Watari.Silo.Engine;

/// <summary>What fails below the engine, as the engine's callers know failures.</summary>
internal static class Failures
{
    /// <summary>Runs a step; whatever it throws leaves as an <see cref="EngineException"/> or a cancellation.</summary>
    /// <param name="vm">Whose step it is, for the message.</param>
    /// <param name="step">The step.</param>
    public static async Task<T> ExplainAsync<T>(string vm, Func<Task<T>> step)
    {
        try
        {
            return await step();
        }
        catch (Exception e) when (Explain(vm, e) is { } explained)
        {
            throw explained;
        }
    }

    /// <summary>Null for what needs no explanation: it is an <see cref="EngineException"/> already, or a cancellation.</summary>
    public static EngineException? Explain(string vm, Exception e) => e switch
    {
        EngineException or OperationCanceledException => null,
        AgentLostException => new EngineException(FailureKind.VmLost, $"The guest agent in VM '{vm}' was lost: {e.Message}", e),
        AgentException agent => new EngineException(KindOf(agent.Code), agent.LogTail.Length == 0 ? $"VM '{vm}': {agent.Message}" : $"VM '{vm}': {agent.Message}\n{agent.LogTail}", e),
        TransferException transfer => new EngineException(
            transfer.Failure switch
            {
                TransferFailure.TimedOut => FailureKind.TimedOut,
                TransferFailure.StaleEpoch => FailureKind.Fenced,
                TransferFailure.Cancelled => FailureKind.Cancelled,
                _ => FailureKind.TransferFailed,
            },
            e.Message,
            e),
        CheckpointRefusedException => new EngineException(FailureKind.Refused, e.Message, e),
        PagesNotInMemoryException => new EngineException(FailureKind.Refused, $"VM '{vm}': {e.Message}", e),
        FreezeException freeze => new EngineException(
            freeze.Failure switch
            {
                FreezeFailure.Unsupported => FailureKind.Refused,
                FreezeFailure.NoTasks => FailureKind.NotFound,
                FreezeFailure.TimedOut or FreezeFailure.StillThere => FailureKind.TimedOut,
                _ => FailureKind.VmLost,
            },
            $"VM '{vm}': {e.Message}",
            e),
        HypervisorException => new EngineException(FailureKind.VmLost, $"VM '{vm}': {e.Message}", e),
        IntrospectionException or PageContentsException => new EngineException(FailureKind.VmLost, $"The memory of VM '{vm}' cannot be read: {e.Message}", e),
        DiskDeadlineException => new EngineException(FailureKind.TimedOut, $"The look at VM '{vm}' took too long: {e.Message}.", e),
        DiskException => new EngineException(FailureKind.Refused, $"What VM '{vm}' keeps cannot be read: {e.Message}", e),
        CriuImageException => new EngineException(FailureKind.RestoreFailed, $"The images are not what they should be: {e.Message}", e),
        _ => new EngineException(FailureKind.Internal, $"A defect of Watari ({e.GetType().Name}): {e.Message}", e),
    };

    private static FailureKind KindOf(AgentErrorCode code) => code switch
    {
        AgentErrorCode.ProtocolMismatch or AgentErrorCode.NoImage or AgentErrorCode.NotEnoughMemory or AgentErrorCode.NotEnoughDisk or AgentErrorCode.ContainerExists
            or AgentErrorCode.ForeignContainer or AgentErrorCode.CriuUnusable or AgentErrorCode.Unsupported => FailureKind.Refused,
        AgentErrorCode.StaleEpoch => FailureKind.Fenced,
        AgentErrorCode.DeadlineExceeded => FailureKind.TimedOut,
        AgentErrorCode.NoSuchProcess or AgentErrorCode.NoSuchCgroup or AgentErrorCode.UnknownJob => FailureKind.NotFound,
        AgentErrorCode.CorruptData or AgentErrorCode.RestoreFailed or AgentErrorCode.Interrupted or AgentErrorCode.Busy or AgentErrorCode.EngineFailed => FailureKind.RestoreFailed,
        _ => FailureKind.Internal,
    };
}
