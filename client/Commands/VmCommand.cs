using System.CommandLine;
using System.Text.Json;
using Watari.Client.Output;
using Watari.Hypervisor;

namespace Watari.Client.Commands;

/// <summary><c>watari vm start|stop|ls</c>: VMs for demo and test hosts, on this machine.</summary>
internal static class VmCommand
{
    private static readonly TimeSpan BootDeadline = TimeSpan.FromMinutes(2);

    public static Command Build(Terminal terminal) => new("vm", "Start and stop virtual machines for demo and test hosts, on this machine")
    {
        Start(terminal),
        Stop(terminal),
        List(terminal),
    };

    private static Command Start(Terminal terminal)
    {
        Argument<string> name = new("NAME") { Description = "Name of the VM, unique on its host" };
        Option<string> host = Host();
        Option<string?> image = new("--image") { Description = "Directory of a guest image [the one that 'make guest-image' built]", HelpName = "DIR" };
        Option<int> memory = new("--memory") { Description = "Memory in MiB", HelpName = "MIB", DefaultValueFactory = _ => 512 };
        Option<int> cpus = new("--cpus") { Description = "Virtual CPUs", HelpName = "N", DefaultValueFactory = _ => 1 };
        Option<string?> model = new("--cpu") { Description = "CPU model with its features, as QEMU takes it [all that this host can give]", HelpName = "MODEL" };
        Option<bool> wait = new("--wait") { Description = "Wait until the guest has booted" };
        Command command = new("start", "Start a VM") { name, host, image, memory, cpus, model, wait };
        command.SetAction((parsed, cancellationToken) => GuardAsync(async () =>
        {
            var launcher = new VmLauncher(parsed.GetValue(host)!);
            var spec = new VmSpec { Name = parsed.GetValue(name)!, MemoryMiB = parsed.GetValue(memory), Vcpus = parsed.GetValue(cpus) };
            if (parsed.GetValue(image) is { } directory) spec = spec with { Image = directory };
            if (parsed.GetValue(model) is { } cpu) spec = spec with { Cpu = cpu };
            VmDirectory vm = await launcher.StartAsync(spec, cancellationToken);
            if (parsed.GetValue(wait)) await launcher.WaitReadyAsync(spec.Name, BootDeadline, cancellationToken);
            terminal.Error.WriteLine($"started {parsed.GetValue(host)}/{vm.Name} ({JsonNamingPolicy.CamelCase.ConvertName(spec.Accelerator.ToString())}); its console is {vm.ConsoleSocket}");
        }));
        return command;
    }

    private static Command Stop(Terminal terminal)
    {
        Argument<string> name = new("NAME") { Description = "Name of the VM" };
        Option<string> host = Host();
        Command command = new("stop", "End a VM and remove what was its own") { name, host };
        command.SetAction((parsed, cancellationToken) => GuardAsync(async () =>
        {
            await new VmLauncher(parsed.GetValue(host)!).StopAsync(parsed.GetValue(name)!, cancellation: cancellationToken);
            terminal.Error.WriteLine($"stopped {parsed.GetValue(host)}/{parsed.GetValue(name)}");
        }));
        return command;
    }

    private static Command List(Terminal terminal)
    {
        Option<string?> host = new("--host") { Description = "Only this host's", HelpName = "HOST" };
        Option<OutputFormat> output = OutputOption.New();
        Command command = new("ls", "List the VMs that were started here, running or ended") { host, output };
        command.SetAction((parsed, cancellationToken) => GuardAsync(async () =>
        {
            string[] hosts = parsed.GetValue(host) is { } one ? [one] : Hosts();
            var vms = new List<LocalVmView>();
            foreach (string name in hosts)
            {
                foreach (VmListing vm in await new VmLauncher(name).ListAsync(cancellationToken)) vms.Add(View(name, vm));
            }

            Printer.List(
                terminal, parsed.GetValue(output), vms, Views.Default.IReadOnlyListLocalVmView,
                new("NAME", v => v.Name),
                new("HOST", v => v.Host),
                new("STATUS", v => v.Status),
                new("PID", v => $"{v.Pid}", Right: true),
                new("CPUS", v => $"{v.VirtualCpus}", Right: true),
                new("MEMORY", v => Human.Bytes((long)v.MemoryMiB << 20), Right: true),
                new("ACCEL", v => v.Accelerator),
                new("DIRECTORY", v => v.Directory, Wide: true),
                new("IMAGE", v => v.Image, Wide: true));
        }));
        return command;
    }

    private static Option<string> Host() => new("--host")
    {
        Description = "The host that the VM belongs to",
        HelpName = "HOST",
        DefaultValueFactory = _ => Environment.MachineName.ToLowerInvariant(),
    };

    private static string[] Hosts() => !Directory.Exists(WatariDirectories.Run)
        ? []
        : [.. Directory.EnumerateDirectories(WatariDirectories.Run).Where(d => Directory.Exists(Path.Combine(d, "vms"))).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];

    private static LocalVmView View(string host, VmListing vm) => new(
        vm.Spec.Name, host, vm.State is { } state ? Words.Of(state) : vm.ProcessId is null ? "ended" : "unreachable",
        vm.ProcessId, vm.Spec.Vcpus, vm.Spec.MemoryMiB, JsonNamingPolicy.CamelCase.ConvertName(vm.Spec.Accelerator.ToString()), vm.Spec.Image, vm.Directory.DirectoryPath);

    private static async Task<int> GuardAsync(Func<Task> work)
    {
        try
        {
            await work();
            return ExitCodes.Done;
        }
        catch (HypervisorException e)
        {
            throw new CommandException(e.Message.StartsWith("There is no VM", StringComparison.Ordinal) ? ExitCodes.NotFound : ExitCodes.RolledBack, e.Message);
        }
    }
}
