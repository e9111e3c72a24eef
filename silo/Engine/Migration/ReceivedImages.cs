using Watari.Checkpoint.Restore;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Introspection.Memory;
using Watari.Silo.Engine.Vms;
using Watari.Transfer;

namespace Watari.Silo.Engine.Migration;

/// <summary>
/// Brings the image set into the VM: small files over the agent's channel, files of pages through landing zones, which the host
/// writes in the VM's memory.
/// </summary>
internal sealed class ReceivedImages(GuestVm vm, GuestAgentClient agent, StepKey key, EngineThreads threads)
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(120);

    /// <summary>Up to this many pages the channel is quicker than a landing zone, which costs the VM pauses.</summary>
    private const long MostPagesByChannel = 64;

    /// <summary>How often a landing zone whose pages have moved is made anew.</summary>
    private const int Attempts = 3;

    public async Task PutAsync(ReceivedPages received, CancellationToken cancellationToken)
    {
        List<(string Name, byte[] Contents)> small = [.. received.Metadata.Select(image => (image.Name, image.Content.ToArray()))];
        List<(string Name, ReceivedFile Pages)> large = [];
        foreach (AddressSpaceId space in received.Pages.Spaces)
        {
            if (!ImagePages.TryGetFile(space, out string? file)) continue;
            var pages = new ReceivedFile(received.Pages, space);
            if (pages.Length.Value <= MostPagesByChannel) small.Add((file, pages.ToArray()));
            else large.Add((file, pages));
        }

        // Small files cost a round trip each: several are under way at once.
        await Parallel.ForEachAsync(
            small,
            new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellationToken },
            async (image, cancel) => await PutAsync(image.Name, image.Contents, cancel));
        // One at a time: between two pauses of one writer the VM would stand still for another.
        foreach ((string file, ReceivedFile pages) in large) await LandAsync(file, pages, cancellationToken);
    }

    private async Task PutAsync(string file, byte[] contents, CancellationToken cancellationToken)
    {
        using MemoryStream content = new(contents, writable: false);
        await agent.PutImageAsync(key.AgentStep(), NameOf(file), content, s_deadline, cancellationToken);
    }

    private async Task LandAsync(string file, ReceivedFile pages, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            (_, IReadOnlyList<LandingRun> runs) = await agent.LandingZoneAsync(key.AgentStep($"land-{attempt}"), NameOf(file), pages.Length.Bytes, s_deadline, cancellationToken);
            LandingFrames[] frames = [.. runs.Select(run => new LandingFrames((long)run.FilePage, new PageFrameNumber(run.Frame), new Introspection.Memory.PageCount((long)run.Pages)))];
            try
            {
                await threads.RunAsync(() => new LandingZoneWriter(vm.Kernel(), vm.Writer, vm.Cpus).Write(frames, pages, cancellationToken), cancellationToken);
                break;
            }
            catch (LandingZoneMovedException) when (attempt < Attempts)
            {
                // A kernel that does not pin it may move it in the middle.
                pages.Restart();
            }
            catch (LandingZoneMovedException e)
            {
                throw new EngineException(FailureKind.RestoreFailed, $"VM '{vm.Name}' moved the pages of {file} {Attempts} times while they were being written: {e.Message}", e);
            }
        }

        if (pages.Digest != pages.Expected)
            throw new EngineException(FailureKind.RestoreFailed, $"{file} in VM '{vm.Name}' is not what was read at the source (its hash differs).");
    }

    private static ImageName NameOf(string file) => ImageName.TryParse(file, out ImageName name)
        ? name
        : throw new EngineException(FailureKind.TransferFailed, "The source's host sent an image under a name that is none.");
}
