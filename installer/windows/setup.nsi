; The installer for Windows: for one user, without an administrator. make_setup.py compiles it and sets
;   VERSION, VERSION4       0.1.0 and 0.1.0.0
;   OUT, ICON, SIDE         the .exe to write, the program's icon, the picture of the first page
;   PROGRAM, RETRAIN, CUDA  "folder\*.*" of each part that is packed; PROGRAM or CUDA must be there
;   NAME_CUDA               file name of the NVIDIA package that may lie beside this one
;   RESERVE_KB              how much must stay free on the disk
;   TARGET, COMPRESSOR      what makensis takes by these names
;
; In silent mode (/S) nothing is asked. /COMPONENTS=program,retraining,nvidia,desktop chooses what is
; installed, /D=C:\folder (last, unquoted) where. What goes wrong is said on stdout, in
; %TEMP%\SXT Studio setup.log, and by the exit code:
;   0 done   1 cancelled   2 wrong use   3 the program is running   4 the disk is full, or it cannot be written

Unicode true
Target ${TARGET}
SetCompressor ${COMPRESSOR}
ManifestDPIAware true
ManifestSupportedOS Win10
RequestExecutionLevel user
AllowSkipFiles off
CRCCheck on

!include "MUI2.nsh"
!include "FileFunc.nsh"
!include "LogicLib.nsh"
!include "Sections.nsh"
!include "WinVer.nsh"
!include "x64.nsh"

!define NAME "SXT Studio"
!define KEY "Software\SXTStudio"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\SXTStudio"
!define LOG "$TEMP\${NAME} setup.log"
!define WRONG_USE 2
!define IN_USE 3
!define NO_ROOM 4
; One folder for each part, beside each other as in /opt on Linux: the program looks for them there.
!define DIR_PROGRAM "sxtstudio"
!define DIR_RETRAIN "sxtstudio-retrain"
!define DIR_CUDA "sxtstudio-cuda"
!define WINDOW "$INSTDIR\${DIR_PROGRAM}\sxtstudiow.exe"

!ifdef PROGRAM
  Name "${NAME}"
!else
  Name "${NAME} for NVIDIA cards"
!endif
Caption "$(^Name) ${VERSION}"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\${NAME}"
InstallDirRegKey HKCU "${KEY}" "InstallDir"
BrandingText "${NAME} ${VERSION}"
VIProductVersion "${VERSION4}"
VIFileVersion "${VERSION4}"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "$(^Name) ${VERSION} installer"
VIAddVersionKey "CompanyName" "The SXT Studio developers"
VIAddVersionKey "LegalCopyright" "MIT licence"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!define MUI_COMPONENTSPAGE_SMALLDESC
!define MUI_WELCOMEFINISHPAGE_BITMAP "${SIDE}"
!define MUI_UNWELCOMEFINISHPAGE_BITMAP "${SIDE}"
!define MUI_WELCOMEPAGE_TEXT "This installs $(^Name) ${VERSION} for you alone; no administrator is needed.$\r$\n$\r$\n\
  An older version is replaced. Your projects, settings and models stay as they are.$\r$\n$\r$\n\
  It is free software under the MIT licence, and needs no internet."
!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_COMPONENTS
!define MUI_PAGE_CUSTOMFUNCTION_LEAVE LeaveDirectory
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!ifdef PROGRAM
  !define MUI_FINISHPAGE_RUN "${WINDOW}"
  !insertmacro MUI_PAGE_FINISH
  !insertmacro MUI_UNPAGE_CONFIRM
  !insertmacro MUI_UNPAGE_INSTFILES
!endif
!insertmacro MUI_LANGUAGE "English"

Var Failure      ; a sentence; empty while all is well
Var FailureCode
!ifdef PROGRAM
Var Asked        ; /COMPONENTS=, with a comma at both ends
Var Upgrading    ; "1" over a version that is there
!endif

; ---------------------------------------------------------------- what goes wrong

; Says $Failure in every way that may be heard, and ends. The former version is as it was.
!macro STOP_FUNCTION un
Function ${un}Stop
  ClearErrors
  FileOpen $8 "${LOG}" a
  ${IfNot} ${Errors}
    FileSeek $8 0 END
    FileWriteUTF16LE /BOM $8 "${NAME} ${VERSION}: $Failure$\r$\n"
    FileClose $8
  ${EndIf}
  ; A script that started this one reads its stdout, in UTF-8; without one the handle is 0, and nothing is written.
  StrCpy $6 "$Failure$\r$\n"
  System::Call 'kernel32::GetStdHandle(i -11) p .r8'
  System::Call 'kernel32::WideCharToMultiByte(i 65001, i 0, w r6, i -1, p 0, i 0, p 0, p 0) i .r7'
  System::Alloc $7
  Pop $9
  System::Call 'kernel32::WideCharToMultiByte(i 65001, i 0, w r6, i -1, p r9, i r7, p 0, p 0) i .r7'
  IntOp $7 $7 - 1
  System::Call 'kernel32::WriteFile(p r8, p r9, i r7, *i, p 0)'
  System::Free $9
  DetailPrint "$Failure"
  MessageBox MB_OK|MB_ICONSTOP "$Failure" /SD IDOK
  SetErrorLevel $FailureCode
  ${If} ${Silent}
    Quit
  ${EndIf}
  Abort "$Failure"
FunctionEnd
!macroend
!insertmacro STOP_FUNCTION ""
!ifdef PROGRAM
  !insertmacro STOP_FUNCTION "un."
!endif

; Sets $Failure if a program of ours is running: Windows lets nobody write into its file then.
!macro RUNNING_FUNCTION un
Function ${un}LookForRunning
  FindFirst $1 $2 "$INSTDIR\${DIR_PROGRAM}\*.exe"
  ${DoWhile} $2 != ""
    ClearErrors
    FileOpen $3 "$INSTDIR\${DIR_PROGRAM}\$2" a
    ${If} ${Errors}
      StrCpy $FailureCode ${IN_USE}
      StrCpy $Failure "${NAME} is running ($INSTDIR\${DIR_PROGRAM}\$2), or its files are in use: save your work and close it, and start this again."
    ${Else}
      FileClose $3
    ${EndIf}
    FindNext $1 $2
  ${Loop}
  FindClose $1
FunctionEnd
!macroend
!insertmacro RUNNING_FUNCTION ""
!ifdef PROGRAM
  !insertmacro RUNNING_FUNCTION "un."
!endif

!macro WAIT_UNTIL_CLOSED un
  ${Do}
    StrCpy $Failure ""
    Call ${un}LookForRunning
    ${If} $Failure == ""
    ${OrIf} ${Silent}
      ${ExitDo}
    ${EndIf}
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$Failure" IDRETRY +2
    ${ExitDo}
  ${Loop}
  ${If} $Failure != ""
    Call ${un}Stop
  ${EndIf}
!macroend

; Sets $Failure if the folder belongs to something else or cannot be written, or the disk is too full.
Function LookAtFolder
  ; Only folders of our names are ever removed. One of them with something else in it is not ours.
  ${If} ${FileExists} "$INSTDIR\${DIR_PROGRAM}\*.*"
  ${AndIfNot} ${FileExists} "$INSTDIR\${DIR_PROGRAM}\sxtstudio.exe"
    StrCpy $FailureCode ${WRONG_USE}
    StrCpy $Failure "In $INSTDIR there is a folder ${DIR_PROGRAM} that is not this program's: choose another folder."
    Return
  ${EndIf}
  ClearErrors
  CreateDirectory "$INSTDIR"
  ${IfNot} ${Errors}
    GetTempFileName $0 "$INSTDIR"
  ${EndIf}
  ${If} ${Errors}
    StrCpy $FailureCode ${NO_ROOM}
    StrCpy $Failure "The folder $INSTDIR cannot be written: choose another one, or make room on its disk."
    Return
  ${EndIf}
  Delete "$0"
  Call NeededKb
  Pop $1
  System::Call 'kernel32::GetDiskFreeSpaceExW(w "$INSTDIR", *l .r2, p 0, p 0) i .r3'
  ${If} $3 = 0
    Return ; not known: what cannot be written will be found then
  ${EndIf}
  System::Int64Op $2 / 1024
  Pop $2
  System::Int64Op $2 < $1
  Pop $3
  ${If} $3 = 1
    IntOp $1 $1 / 1024
    System::Int64Op $2 / 1024
    Pop $2
    StrCpy $FailureCode ${NO_ROOM}
    StrCpy $Failure "The disk is too full: ${NAME} needs $1 MB in $INSTDIR, $2 MB are free. Make room, or choose a folder on another disk."
  ${EndIf}
FunctionEnd

; Pushes the kilobytes of all sections that are chosen, and what must stay free. Section 0 is the first one.
Function NeededKb
  StrCpy $1 ${RESERVE_KB}
  StrCpy $0 0
  ${Do}
    ClearErrors
    SectionGetFlags $0 $2
    ${If} ${Errors}
      ${ExitDo}
    ${EndIf}
    IntOp $2 $2 & ${SF_SELECTED}
    ${If} $2 <> 0
      SectionGetSize $0 $2
      IntOp $1 $1 + $2
    ${EndIf}
    IntOp $0 $0 + 1
  ${Loop}
  Push $1
FunctionEnd

Function LeaveDirectory
  StrCpy $Failure ""
  Call LookAtFolder
  RMDir "$INSTDIR" ; if it is empty: whoever cancels now has no folder of ours
  ${If} $Failure != ""
    MessageBox MB_OK|MB_ICONEXCLAMATION "$Failure"
    Abort
  ${EndIf}
FunctionEnd

; ---------------------------------------------------------------- parts, each unpacked beside the former one

; What a setup that was killed left is removed first; where it ended between two renames, the former one returns.
Function Sweep
  Pop $0
  RMDir /r "$INSTDIR\$0.new"
  ${IfNot} ${FileExists} "$INSTDIR\$0\*.*"
    Rename "$INSTDIR\$0.old" "$INSTDIR\$0"
  ${EndIf}
  RMDir /r "$INSTDIR\$0.old"
FunctionEnd

; $0.new takes the place of $0; if that cannot be, $0 stays, and $Failure says why.
Function Place
  Pop $0
  ${IfNot} ${FileExists} "$INSTDIR\$0.new\*.*"
    Return
  ${EndIf}
  ClearErrors
  ${If} ${FileExists} "$INSTDIR\$0\*.*"
    Rename "$INSTDIR\$0" "$INSTDIR\$0.old"
  ${EndIf}
  ${IfNot} ${Errors}
    Rename "$INSTDIR\$0.new" "$INSTDIR\$0"
    ${If} ${Errors}
      Rename "$INSTDIR\$0.old" "$INSTDIR\$0"
      SetErrors
    ${EndIf}
  ${EndIf}
  ${If} ${Errors}
    StrCpy $FailureCode ${IN_USE}
    StrCpy $Failure "$INSTDIR\$0 cannot be replaced: close what uses files in it (another window, a terminal, a virus scanner), and start this again."
    Call Unpacked
    Call Stop
  ${EndIf}
  RMDir /r "$INSTDIR\$0.old"
FunctionEnd

; Takes away what was unpacked and is not in its place.
Function Unpacked
  SetOutPath "$TEMP"
  RMDir /r "$INSTDIR\${DIR_PROGRAM}.new"
  RMDir /r "$INSTDIR\${DIR_RETRAIN}.new"
  RMDir /r "$INSTDIR\${DIR_CUDA}.new"
  RMDir "$INSTDIR"
FunctionEnd

!macro UNPACK DIR FILES
  SetOutPath "$INSTDIR\${DIR}.new"
  File /r "${FILES}"
  SetOutPath "$TEMP" ; nobody can rename the folder that this process stands in
!macroend

; Of a version that is there, a part that is no longer wanted.
!macro UNWANTED ID DIR
  ${IfNot} ${SectionIsSelected} ${${ID}}
    RMDir /r "$INSTDIR\${DIR}"
  ${EndIf}
!macroend

Section "-before" BEFORE
  SetRegView 64
  !insertmacro WAIT_UNTIL_CLOSED ""
  Call LookAtFolder
  ${If} $Failure != ""
    RMDir "$INSTDIR"
    Call Stop
  ${EndIf}
  Push "${DIR_PROGRAM}"
  Call Sweep
  Push "${DIR_RETRAIN}"
  Call Sweep
  Push "${DIR_CUDA}"
  Call Sweep
  ; Should unpacking end here, this is what is said of it (.onInstFailed).
  StrCpy $FailureCode ${NO_ROOM}
SectionEnd

!ifdef PROGRAM
Section "${NAME}" SEC_PROGRAM
  SectionIn RO
  !insertmacro UNPACK "${DIR_PROGRAM}" "${PROGRAM}"
SectionEnd
!ifdef RETRAIN
Section "Retraining" SEC_RETRAIN
  !insertmacro UNPACK "${DIR_RETRAIN}" "${RETRAIN}"
SectionEnd
!endif
!endif

!ifdef CUDA
Section "NVIDIA cards" SEC_CUDA
  !insertmacro UNPACK "${DIR_CUDA}" "${CUDA}"
SectionEnd
!endif

Section "-place" PLACE
  Push "${DIR_PROGRAM}"
  Call Place
  Push "${DIR_RETRAIN}"
  Call Place
  Push "${DIR_CUDA}"
  Call Place
SectionEnd

!ifdef PROGRAM
!ifndef CUDA
; The package for NVIDIA cards is too large for one file; it is another one, which also works by itself.
Section "NVIDIA cards" SEC_CUDA
  ExecWait '"$EXEDIR\${NAME_CUDA}" /S /D=$INSTDIR' $0
  ${If} $0 <> 0
    StrCpy $FailureCode ${NO_ROOM}
    StrCpy $Failure "${NAME} is installed, but not its part for NVIDIA cards: ${NAME_CUDA} ended with code $0. Start it by itself to see why."
    Call Stop
  ${EndIf}
SectionEnd
!endif

!include "registry.nsh"

Section "-register" REGISTER
  !ifdef RETRAIN
    !insertmacro UNWANTED SEC_RETRAIN "${DIR_RETRAIN}"
  !endif
  ${If} ${FileExists} "$EXEDIR\${NAME_CUDA}" ; else nobody was asked whether it is wanted
    !insertmacro UNWANTED SEC_CUDA "${DIR_CUDA}"
  ${EndIf}
  SetOutPath "$INSTDIR"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  !insertmacro REGISTER_PROGRAM
  ; Started from a menu, the program stands among the user's documents, not in its own folder.
  SetOutPath "$DOCUMENTS"
  CreateDirectory "$SMPROGRAMS\${NAME}"
  CreateShortcut "$SMPROGRAMS\${NAME}\${NAME}.lnk" "${WINDOW}"
  CreateShortcut "$SMPROGRAMS\${NAME}\${NAME} commands.lnk" "$SYSDIR\cmd.exe" \
    '/k "set "PATH=$INSTDIR\${DIR_PROGRAM};%PATH%" & sxtstudio --help"' "${WINDOW}" 0
SectionEnd

Section "Shortcut on the desktop" SEC_DESKTOP
  SetOutPath "$DOCUMENTS"
  CreateShortcut "$DESKTOP\${NAME}.lnk" "${WINDOW}"
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${SEC_PROGRAM} "The program with its models, a sample tomogram and help. It runs on every computer."
  !ifdef RETRAIN
    !insertmacro MUI_DESCRIPTION_TEXT ${SEC_RETRAIN} "Improve a model with outlines that you corrected yourself (PyTorch)."
  !endif
  !insertmacro MUI_DESCRIPTION_TEXT ${SEC_CUDA} "Segment on an NVIDIA card. Without the tick: put ${NAME_CUDA} beside this installer, and start it again."
  !insertmacro MUI_DESCRIPTION_TEXT ${SEC_DESKTOP} "An icon on the desktop."
!insertmacro MUI_FUNCTION_DESCRIPTION_END
!endif

; ---------------------------------------------------------------- before and after

!ifdef PROGRAM
; Takes the component $0 from the words asked for; pushes 1 if it was there.
Function WasAsked
  Pop $0
  StrCpy $0 ",$0,"
  StrLen $1 $0
  StrCpy $2 0
  ${Do}
    StrCpy $3 $Asked $1 $2
    ${If} $3 == ""
      Push 0
      Return
    ${EndIf}
    ${If} $3 == $0
      ; The word goes: what is left in the end is not known.
      StrCpy $3 $Asked $2
      IntOp $4 $2 + $1
      IntOp $4 $4 - 1
      StrCpy $4 $Asked "" $4
      StrCpy $Asked "$3$4"
      Push 1
      Return
    ${EndIf}
    IntOp $2 $2 + 1
  ${Loop}
FunctionEnd
!endif

!macro ASKED ID WORD
  Push "${WORD}"
  Call WasAsked
  Pop $0
  ${If} $0 = 1
    !insertmacro SelectSection ${${ID}}
  ${Else}
    !insertmacro UnselectSection ${${ID}}
  ${EndIf}
!macroend

Function .onInit
  SetRegView 64
  Delete "${LOG}"
  ${IfNot} ${AtLeastWin10}
  ${OrIfNot} ${RunningX64}
    StrCpy $FailureCode ${WRONG_USE}
    StrCpy $Failure "${NAME} needs Windows 10 or newer with 64 bits."
    Call Stop
  ${EndIf}
  !ifdef PROGRAM
    Call ChooseComponents
  !else
    ${IfNot} ${FileExists} "$INSTDIR\${DIR_PROGRAM}\sxtstudio.exe"
      StrCpy $FailureCode ${WRONG_USE}
      StrCpy $Failure "$(^Name) is a part of ${NAME}: install that first."
      Call Stop
    ${EndIf}
  !endif
FunctionEnd

!ifdef PROGRAM
Function ChooseComponents
  ReadRegStr $0 HKCU "${KEY}" "Version"
  StrCpy $Upgrading 0
  ${If} $0 != ""
  ${AndIf} ${FileExists} "$INSTDIR\${DIR_PROGRAM}\sxtstudio.exe"
    StrCpy $Upgrading 1
  ${EndIf}
  ; Over an older version: what is there now.
  ${If} $Upgrading = 1
    !ifdef RETRAIN
      ${IfNot} ${FileExists} "$INSTDIR\${DIR_RETRAIN}\*.*"
        !insertmacro UnselectSection ${SEC_RETRAIN}
      ${EndIf}
    !endif
    ${IfNot} ${FileExists} "$DESKTOP\${NAME}.lnk"
      !insertmacro UnselectSection ${SEC_DESKTOP}
    ${EndIf}
  ${EndIf}
  !ifndef CUDA
    ${IfNot} ${FileExists} "$EXEDIR\${NAME_CUDA}"
      !insertmacro UnselectSection ${SEC_CUDA}
      !insertmacro SetSectionFlag ${SEC_CUDA} ${SF_RO}
    ${EndIf}
  !endif
  ${GetParameters} $1
  ClearErrors
  ${GetOptions} $1 "/COMPONENTS=" $Asked
  ${If} ${Errors}
    Return
  ${EndIf}
  StrCpy $5 $Asked
  StrCpy $Asked ",$Asked,"
  Push "program"
  Call WasAsked
  Pop $0
  !ifdef RETRAIN
    !insertmacro ASKED SEC_RETRAIN "retraining"
  !endif
  ${If} ${FileExists} "$EXEDIR\${NAME_CUDA}"
    !insertmacro ASKED SEC_CUDA "nvidia"
  ${EndIf}
  !insertmacro ASKED SEC_DESKTOP "desktop"
  ${If} $Asked != ","
    StrCpy $FailureCode ${WRONG_USE}
    StrCpy $Failure "/COMPONENTS=$5 names what this installer does not have: choose from program, retraining, nvidia (with ${NAME_CUDA} beside it) and desktop."
    Call Stop
  ${EndIf}
FunctionEnd
!endif

; Unpacking ended: a full disk, mostly. What was there before stays.
Function .onInstFailed
  ${If} $Failure == ""
    Call Unpacked
    StrCpy $FailureCode ${NO_ROOM}
    StrCpy $Failure "Not all files could be written to $INSTDIR; nothing was changed there. Make room on its disk, and start this again."
    Call Stop
  ${EndIf}
FunctionEnd

!ifdef PROGRAM
Section "Uninstall"
  SetRegView 64
  !insertmacro WAIT_UNTIL_CLOSED "un."
  ; Only what setup put there: whatever else lies in the folder is the user's.
  RMDir /r "$INSTDIR\${DIR_PROGRAM}"
  RMDir /r "$INSTDIR\${DIR_RETRAIN}"
  RMDir /r "$INSTDIR\${DIR_CUDA}"
  Delete "$SMPROGRAMS\${NAME}\${NAME}.lnk"
  Delete "$SMPROGRAMS\${NAME}\${NAME} commands.lnk"
  RMDir "$SMPROGRAMS\${NAME}"
  Delete "$DESKTOP\${NAME}.lnk"
  !insertmacro UNREGISTER_PROGRAM
  Delete "$INSTDIR\uninstall.exe"
  SetOutPath "$TEMP"
  RMDir "$INSTDIR"
SectionEnd
!endif
