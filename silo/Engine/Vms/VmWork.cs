using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;

namespace Watari.Silo.Engine.Vms;

internal static class VmWork
{
    extension(OpenVms vms)
    {
        /// <summary>Works with a VM in a lease of its own; where its guest ends meanwhile, that is what is told.</summary>
        /// <param name="vm">Its name.</param>
        /// <param name="work">The work, and what stops it: the caller's token, and the end of the guest.</param>
        /// <param name="cancellationToken">The caller's.</param>
        /// <exception cref="EngineException">Whatever fails, explained.</exception>
        public Task<T> WorkAsync<T>(string vm, Func<GuestVm, CancellationToken, Task<T>> work, CancellationToken cancellationToken) => Failures.ExplainAsync(vm, async () =>
        {
            await using VmLease lease = await vms.LeaseAsync(vm, cancellationToken);
            GuestVm guest = lease.Vm;
            GuestLife life = guest.Life;
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, life.Ended);
            try
            {
                return await work(guest, stop.Token);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is not EngineException { Kind: FailureKind.Refused or FailureKind.Fenced })
            {
                if (e is AgentLostException) await guest.DropAgentAsync();
                // Whatever failed: where the guest has ended, that is why.
                await guest.ProbeAsync();
                life.ThrowIfEnded(e);
                throw;
            }
        });
    }
}
