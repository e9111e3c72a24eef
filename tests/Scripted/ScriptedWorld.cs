using System.Text.Json;
using System.Text.Json.Serialization;
using Watari.GrainInterfaces.Model;

namespace Watari.Scripted;

/// <summary>What a copy of a container can be.</summary>
public enum CopyState
{
    Running,
    Frozen,

    /// <summary>Room was made for it.</summary>
    Prepared,

    /// <summary>It exists, and has not run.</summary>
    Restored,

    /// <summary>Its runtime has a record of it; it never ran.</summary>
    Created,
}

/// <param name="LateLists">In so many lists its agent does not answer in time.</param>
public sealed record ScriptedVm(VmId Id, VmStatus Status = VmStatus.Running, bool HasAgent = true, long MemoryBytes = 1L << 30, int LateLists = 0);

/// <param name="Job">The job that made the copy or froze it; null for one that was there before.</param>
/// <param name="HasPages">The job's pages have arrived.</param>
public sealed record ScriptedCopy(VmId Vm, string Container, CopyState State, string? Job = null, bool HasPages = false);

public sealed record ScriptedState
{
    public List<ScriptedVm> Vms { get; init; } = [];

    public List<ScriptedCopy> Copies { get; init; } = [];

    /// <summary>What happened, in order.</summary>
    public List<string> Journal { get; init; } = [];

    /// <summary>What must never happen, and did.</summary>
    public List<string> Violations { get; init; } = [];
}

/// <summary>
/// VMs and containers that exist in a file alone, shared by all engines of a test, in one process or in several. It keeps the one
/// law: after every change, of each container at most one copy runs.
/// </summary>
public sealed class ScriptedWorld(string path)
{
    private static readonly JsonSerializerOptions Options = new() { Converters = { new JsonStringEnumConverter() }, WriteIndented = true };

    public string Path => path;

    public ScriptedState Read() => Change(_ => { });

    public ScriptedState Change(Action<ScriptedState> change)
    {
        using FileStream file = OpenLocked();
        ScriptedState state = file.Length == 0 ? new ScriptedState() : JsonSerializer.Deserialize<ScriptedState>(file, Options)!;
        int before = state.Journal.Count;
        change(state);
        foreach (IGrouping<string, ScriptedCopy> copies in state.Copies.Where(c => c.State == CopyState.Running).GroupBy(c => c.Container))
        {
            if (copies.Count() > 1) state.Violations.Add($"{copies.Key} runs in {string.Join(" and in ", copies.Select(c => c.Vm))} after: {string.Join("; ", state.Journal.Skip(before))}");
        }

        file.SetLength(0);
        JsonSerializer.Serialize(file, state, Options);
        return state;
    }

    public static void Put(ScriptedCopy copy, ScriptedState state)
    {
        state.Copies.RemoveAll(c => c.Vm == copy.Vm && c.Container == copy.Container);
        state.Copies.Add(copy);
    }

    private FileStream OpenLocked()
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (Directory.Exists(System.IO.Path.GetDirectoryName(path)))
            {
                // Another engine holds it, for microseconds.
                Thread.Sleep(1);
            }
        }
    }
}
