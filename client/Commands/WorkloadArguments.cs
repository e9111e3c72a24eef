using System.CommandLine;
using Watari.Client.Cluster;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary>What a command works on: <c>CONTAINER</c>, or <c>--pid N</c> with the VM it is in.</summary>
internal sealed class WorkloadArguments
{
    private readonly Argument<string?> _container = new("CONTAINER") { Description = "Name or id of the container", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<int?> _pid = new("--pid") { Description = "Instead of a container: root of a process tree, by its pid in the VM", HelpName = "N" };
    private readonly Option<string?> _vm;

    /// <param name="vm">The option that names the VM.</param>
    public WorkloadArguments(Option<string?> vm) => _vm = vm;

    public void AddTo(Command command)
    {
        command.Arguments.Add(_container);
        command.Options.Add(_pid);
        command.Options.Add(_vm);
        command.Validators.Add(result =>
        {
            bool container = result.GetValue(_container) is not null;
            bool pid = result.GetResult(_pid) is not null;
            if (container == pid) result.AddError("Name a container, or a process tree with --pid.");
            else if (pid && result.GetResult(_vm) is null) result.AddError($"--pid needs {_vm.Name}: pids are those of one VM.");
        });
    }

    /// <exception cref="EngineException">It is unknown or ambiguous, or does not run.</exception>
    public async Task<(VmId Vm, WorkloadId Workload)> ResolveAsync(ParseResult parsed, Conversation cluster, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(_pid) is { } pid)
        {
            return (await cluster.Cluster.ResolveVmAsync(parsed.GetValue(_vm)!, cancellationToken), WorkloadId.OfProcessTree(pid));
        }

        ContainerDescription container = await cluster.Cluster.ResolveRunningContainerAsync(parsed.GetValue(_container)!, parsed.GetValue(_vm), cancellationToken);
        return (container.Vm, WorkloadId.OfContainer(container.Id));
    }
}
