using System.CommandLine;
using System.Text.Json;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari inspect</c>: as docker inspect and podman inspect, from outside the virtual machine.</summary>
internal static class InspectCommand
{
    public static Command Build(Connector connect, Terminal terminal)
    {
        Argument<string[]> names = new("CONTAINER") { Description = "Names or ids of containers, in any state", Arity = ArgumentArity.OneOrMore };
        Option<string?> vm = new("--vm") { Description = "Where to look for them (VM, or HOST/VM)", HelpName = "VM" };
        Option<string?> format = new("--format", "-f") { Description = "Print each container by a template: '{{.State.Status}}', '{{json .Mounts}}'", HelpName = "TEMPLATE" };
        Option<bool> size = new("--size", "-s") { Description = "Measure what they have written (Docker's alone)" };
        Option<OutputFormat> output = OutputOption.New(OutputFormat.Json, OutputFormat.Yaml);
        output.DefaultValueFactory = _ => OutputFormat.Json;
        Command command = new("inspect", "Show all that is known of containers") { names, vm, format, size, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            FieldTemplate? template = parsed.GetValue(format) is { } text ? FieldTemplate.Parse(text) : null;
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            string? where = parsed.GetValue(vm);
            ContainerDescription[] found = await Task.WhenAll(parsed.GetValue(names)!.Select(async name =>
            {
                ContainerDescription container = await cluster.Cluster.ResolveContainerAsync(name, where, cancellationToken);
                if (!parsed.GetValue(size)) return container;
                Listing<ContainerDescription> measured = await cluster.Cluster.ListContainersAsync(container.Vm.ToString(), withSizes: true, cancellationToken);
                return measured.Items.FirstOrDefault(other => other.Id == container.Id) ?? container;
            }));
            Print(terminal, parsed.GetValue(output), template, found);
            return ExitCodes.Done;
        });
        return command;
    }

    internal static void Print(Terminal terminal, OutputFormat format, FieldTemplate? template, IReadOnlyList<ContainerDescription> containers)
    {
        InspectView[] views = [.. containers.Select(InspectView.Of)];
        if (template is null) Printer.Document(terminal, format, views, InspectViews.Default.IReadOnlyListInspectView);
        else foreach (InspectView view in views) terminal.Out.WriteLine(template.Of(JsonSerializer.SerializeToNode(view, InspectViews.Default.InspectView)!.AsObject()));
    }
}
