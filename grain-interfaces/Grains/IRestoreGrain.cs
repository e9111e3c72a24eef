using Watari.GrainInterfaces.Model;

namespace Watari.GrainInterfaces;

/// <summary>A restore out of an archive. Key: the job's id, see <see cref="JobId"/>. It keeps its command on disk until it has ended.</summary>
[Alias("watari.IRestoreGrain")]
public interface IRestoreGrain : IGrainWithStringKey
{
    /// <summary>
    /// Restores a container into a VM. Ask again with the same until the answer is finished, also where no answer came. One that its host's
    /// silo has not outlived is undone, unless the container was there already.
    /// </summary>
    /// <exception cref="EngineException">It failed; nothing of it is left in the VM, unless the message says otherwise.</exception>
    [Alias("Restore"), ResponseTimeout("00:00:15")]
    Task<StepAnswer> RestoreAsync(VmId vm, ArchiveRestore options, TimeSpan patience);
}
