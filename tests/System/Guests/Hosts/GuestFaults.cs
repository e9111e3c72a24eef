using System.Diagnostics;

namespace Watari.Guests;

/// <summary>What can go wrong in a guest, or with all of it.</summary>
public sealed class GuestFaults(Guest guest)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Has the next restore in the guest stopped in its middle: where criu was, a script takes its place that puts criu back, stops itself,
    /// and becomes criu if it is let go on.
    /// </summary>
    public Task StopNextCriuAsync(CancellationToken cancellation = default) => guest.Console.CheckAsync(
        """
        rm -f /run/stopped; mv /usr/sbin/criu /usr/sbin/criu.held && cat >/usr/sbin/criu <<'EOF' && chmod +x /usr/sbin/criu
        #!/bin/sh
        mv /usr/sbin/criu.held /usr/sbin/criu
        echo $$ >/run/stopped
        kill -STOP $$
        exec /usr/sbin/criu "$@"
        EOF
        """, s_patience, cancellation);

    /// <summary>Waits until the restore stands.</summary>
    public Task UntilCriuIsStoppedAsync(CancellationToken cancellation = default) =>
        guest.Console.CheckAsync("until [ -s /run/stopped ] && grep -q stopped /proc/$(cat /run/stopped)/status; do sleep 0.05; done", s_patience, cancellation);

    /// <summary>Kills the agent as the kernel does when memory runs out; init starts another.</summary>
    public Task KillAgentAsync(CancellationToken cancellation = default) => guest.Console.CheckAsync("kill -9 $(pidof watari-agent)", s_patience, cancellation);

    /// <summary>
    /// Has the agent killed as soon as it touches pages: it is given so little of the processor that each millisecond of its work takes a tenth
    /// of a second, and watched for the page map that it opens. Returns when all is set.
    /// </summary>
    public Task KillAgentWhenItTouchesPagesAsync(CancellationToken cancellation = default) => guest.Console.CheckAsync(
        """
        a=$(pidof watari-agent)
        mkdir -p /sys/fs/cgroup/slow && echo '1000 100000' >/sys/fs/cgroup/slow/cpu.max && echo $a >/sys/fs/cgroup/slow/cgroup.procs
        rm -f /run/killed
        (until ls -l /proc/$a/fd | grep -q pagemap; do :; done; kill -9 $a; until rmdir /sys/fs/cgroup/slow; do :; done; echo $a >/run/killed) </dev/null >/dev/null 2>&1 &
        """, s_patience, cancellation);

    /// <summary>Waits until the agent has been killed while it touched pages.</summary>
    public Task UntilAgentIsKilledAsync(CancellationToken cancellation = default) =>
        guest.Console.CheckAsync("until [ -s /run/killed ]; do sleep 0.05; done", s_patience, cancellation);

    /// <summary>Kills all processes of a container, frozen ones too, as the kernel may when memory runs out.</summary>
    public Task KillContainerAsync(string id, CancellationToken cancellation = default) =>
        guest.Console.CheckAsync($"echo 1 >/sys/fs/cgroup/{id}/cgroup.kill && until grep -q 'populated 0' /sys/fs/cgroup/{id}/cgroup.events; do :; done", s_patience, cancellation);

    /// <summary>Leaves of a container and of all jobs what a boot of the guest leaves: nothing.</summary>
    public Task ForgetAsBootDoesAsync(string id, CancellationToken cancellation = default) =>
        guest.Console.CheckAsync($"runc delete --force {id}; rm -rf /run/watari/jobs/* /run/watari/fences/*", s_patience, cancellation);

    /// <summary>Has the guest's kernel panic, and waits until it has.</summary>
    public async Task PanicAsync(CancellationToken cancellation = default)
    {
        await guest.Console.PanicAsync(cancellation);
        while (await StateAsync(cancellation) != Hypervisor.RunState.GuestPanicked) await Task.Delay(50, cancellation);
    }

    /// <summary>Ends the VM as a SIGKILL of its QEMU does, and waits until it is gone.</summary>
    public async Task KillVmAsync(CancellationToken cancellation = default)
    {
        int id = (await guest.Launcher.ListAsync(cancellation)).Single(vm => vm.Spec.Name == guest.Name).ProcessId!.Value;
        using var qemu = Process.GetProcessById(id);
        qemu.Kill();
        await qemu.WaitForExitAsync(cancellation);
    }

    private async Task<Hypervisor.RunState?> StateAsync(CancellationToken cancellation) =>
        (await guest.Launcher.ListAsync(cancellation)).Single(vm => vm.Spec.Name == guest.Name).State;
}
