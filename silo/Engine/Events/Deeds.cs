using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Events;

/// <summary>
/// What Watari itself does to containers. While it works on one, what is seen of it (that it stands still, that there are two) is no event; what
/// has come of it is one.
/// </summary>
internal sealed class Deeds(TimeProvider time)
{
    /// <summary>A job that is given up says no more: after this, what is seen counts again.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Vm, string Container), Deed> _deeds = [];

    public void Begin(string vm, string container)
    {
        Put(vm, container, new Deed(time.GetTimestamp(), IsOver: false));
    }

    /// <param name="kind">What has been done; null: nothing, or all was undone.</param>
    public void End(string vm, string container, ContainerEventKind? kind, string job)
    {
        Put(vm, container, new Deed(time.GetTimestamp(), IsOver: true, kind, job, time.GetUtcNow()));
    }

    /// <summary>Whether something of the VM is at work now, which a look would hold up.</summary>
    public bool IsAtWork(string vm, TimeSpan atMost)
    {
        lock (_gate) return _deeds.Any(deed => deed.Key.Vm == vm && !deed.Value.IsOver && time.GetElapsedTime(deed.Value.Since) < atMost);
    }

    /// <summary>Whether something was done in the VM that has not been told yet.</summary>
    public bool HasEnded(string vm)
    {
        lock (_gate) return _deeds.Any(deed => deed.Key.Vm == vm && deed.Value.IsOver);
    }

    /// <summary>What was over before a look that has been told is told, too, whether or not its container is still there.</summary>
    public void Forget(string vm, long began)
    {
        lock (_gate)
        {
            foreach ((string Vm, string Container) key in _deeds.Where(deed => deed.Key.Vm == vm && deed.Value.IsOver && deed.Value.Since < began).Select(deed => deed.Key).ToList()) _deeds.Remove(key);
        }
    }

    /// <summary>What a look that began then is to make of a container; what is over is told once.</summary>
    public Deed? Take(string vm, string container, long began)
    {
        lock (_gate)
        {
            if (!_deeds.TryGetValue((vm, container), out Deed? deed)) return null;
            // What was seen before its end may be of its middle.
            if (!deed.IsOver || deed.Since >= began) return IsStale(deed) ? null : deed with { IsOver = false };
            _deeds.Remove((vm, container));
            return deed;
        }
    }

    /// <summary>Where nobody looks, nothing is taken: what is old goes when something new comes.</summary>
    private void Put(string vm, string container, Deed deed)
    {
        lock (_gate)
        {
            foreach ((string Vm, string Container) key in _deeds.Where(old => IsStale(old.Value)).Select(old => old.Key).ToList()) _deeds.Remove(key);
            _deeds[(vm, container)] = deed;
        }
    }

    private bool IsStale(Deed deed) => time.GetElapsedTime(deed.Since) >= s_longest;
}

/// <param name="Since">When it began or ended: a timestamp of the host's clock.</param>
/// <param name="IsOver">What is seen now is what has come of it.</param>
internal sealed record Deed(long Since, bool IsOver, ContainerEventKind? Kind = null, string? Job = null, DateTimeOffset At = default);
