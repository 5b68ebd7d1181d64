//! Mounts the page.

fn main() {
    sheaf_frontend::panic::watch();
    leptos::mount::mount_to_body(sheaf_frontend::app::App);
}
