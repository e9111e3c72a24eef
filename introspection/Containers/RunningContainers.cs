using Watari.Introspection.Cgroups;
using Watari.Introspection.Tasks;

namespace Watari.Introspection.Containers;

/// <summary>The containers that run in a guest, found in its kernel; nothing is asked of the guest.</summary>
public static class RunningContainers
{
    private const int LevelOfContainers = 1;
    private const string ScopeSuffix = ".scope";

    private static readonly (string Prefix, ContainerRuntime Runtime)[] Prefixes =
    [
        ("libpod-", ContainerRuntime.Podman),
        ("docker-", ContainerRuntime.Docker),
        ("cri-containerd-", ContainerRuntime.Containerd),
    ];

    extension(GuestKernel kernel)
    {
        /// <summary>Every container with a living first process, in the order of their start.</summary>
        public IReadOnlyList<GuestContainer> FindContainers()
        {
            List<GuestContainer> containers = [];
            foreach (TaskStruct process in kernel.Processes)
            {
                if (process.ExitState != 0 || process.IsKernelThread || !process.ThreadPid.TryGet(out PidStruct pid) || pid.Level != LevelOfContainers) continue;
                Upid id = pid.Innermost;
                if (id.Nr != 1) continue;
                string cgroup = process.Cgroups.Value.DflCgrp.Value.Path;
                (string? legacy, string name, ContainerRuntime runtime) = NameOf(process, cgroup);
                // In root cgroups alone it stands among all that is no container: unshare --pid.
                if (name.Length == 0) continue;

                RuncState? state = RuncState.TryRead(kernel, name);
                containers.Add(new GuestContainer
                {
                    Id = name,
                    Runtime = runtime == ContainerRuntime.Unknown && state is not null ? ContainerRuntime.Runc : runtime,
                    CgroupPath = cgroup,
                    LegacyCgroupPath = legacy,
                    Init = process,
                    PidNamespace = id.Ns,
                    Bundle = state?.Bundle,
                });
            }

            return containers;
        }
    }

    /// <summary>The id of the container that a process is in, by its cgroup; empty where it is in none.</summary>
    public static string IdOf(TaskStruct process) => NameOf(process, process.Cgroups.Value.DflCgrp.Value.Path).Id;

    private static (string? Legacy, string Id, ContainerRuntime Runtime) NameOf(TaskStruct process, string cgroup)
    {
        (string id, ContainerRuntime idRuntime) = NameOf(cgroup);
        if (id.Length > 0) return (null, id, idRuntime);
        // With cgroups of version 1 alone, all tasks are in the root of version 2.
        foreach ((_, string path) in process.LegacyCgroups())
        {
            (string name, ContainerRuntime runtime) = NameOf(path);
            if (name.Length > 0) return (path, name, runtime);
        }

        return (null, "", ContainerRuntime.Unknown);
    }

    /// <summary>
    /// The id that a runtime put into the path of a cgroup: <c>/redis</c>, <c>/docker/ID</c>, <c>/system.slice/docker-ID.scope</c>,
    /// <c>/libpod_parent/libpod-ID/container</c>.
    /// </summary>
    internal static (string Id, ContainerRuntime Runtime) NameOf(string cgroup)
    {
        string[] parts = cgroup.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (int i = parts.Length - 1; i >= 0; i--)
        {
            string part = parts[i].EndsWith(ScopeSuffix, StringComparison.Ordinal) ? parts[i][..^ScopeSuffix.Length] : parts[i];
            foreach ((string prefix, ContainerRuntime runtime) in Prefixes)
            {
                if (part.StartsWith(prefix, StringComparison.Ordinal)) return (part[prefix.Length..], runtime);
            }

            if (i > 0 && parts[i - 1] == "docker") return (part, ContainerRuntime.Docker);
        }

        return (parts.Length > 0 ? parts[^1] : "", ContainerRuntime.Unknown);
    }
}
