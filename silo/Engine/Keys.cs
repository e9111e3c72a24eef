using System.Text;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;

namespace Watari.Silo.Engine;

/// <summary>A step's key in the words of those who carry it out.</summary>
internal static class Keys
{
    /// <summary>The job's id as the transfer writes it: its letters, padded with zeroes to sixteen bytes.</summary>
    /// <param name="key">The step.</param>
    /// <param name="isOfVolumes">The transfer is that which goes ahead of the job's own.</param>
    /// <exception cref="EngineException">The id is longer than that.</exception>
    public static Transfer.JobId TransferJob(this StepKey key, bool isOfVolumes = false)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!Encoding.ASCII.TryGetBytes(key.Job, bytes, out int written) || written == 0)
            throw new EngineException(FailureKind.Internal, $"The job's id '{key.Job}' is not 1 to 16 plain letters.");
        // No letter has that bit.
        if (isOfVolumes) bytes[^1] |= 0x80;
        return new Transfer.JobId(new Guid(bytes));
    }

    public static Transfer.Epoch TransferEpoch(this StepKey key) => new(key.Epoch.Value);

    /// <param name="key">The step.</param>
    /// <param name="part">Names one of several commands to the agent that belong to the step.</param>
    public static JobStep AgentStep(this StepKey key, string? part = null) =>
        new(JobId.Parse(key.Job), new FencingEpoch((ulong)key.Epoch.Value), part is null ? key.Step : $"{key.Step}-{part}");

    /// <exception cref="EngineException">runc takes no such id.</exception>
    public static ContainerId? AgentContainer(this WorkloadId workload)
    {
        if (workload.Container is not { } id) return null;
        return ContainerId.TryParse(id, out ContainerId container)
            ? container
            : throw new EngineException(FailureKind.Refused, $"'{id}' is not a container id that runc takes.");
    }
}
