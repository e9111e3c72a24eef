namespace Watari.GuestAgent.Protocol;

/// <summary>
/// Whose command it is: the job, the epoch of its owner and the step of the job. The agent runs a
/// step that makes something (<c>prepare</c>, <c>restore</c>) at most once for each (job, epoch,
/// step) and answers a repetition with the first result.
/// </summary>
/// <param name="Job">The job.</param>
/// <param name="Epoch">The epoch of the job's owner.</param>
/// <param name="Step">A plain name as a <see cref="JobId"/> is one: "restore-1".</param>
public readonly record struct JobStep(JobId Job, FencingEpoch Epoch, string Step);
